"""The rule language: text to tokens to a checked tree, and from the tree to every engine."""

from sekisho.language.catalogue import AttributeSpec, Catalogue
from sekisho.language.check import Checked, CheckedCondition, check_condition, check_rule
from sekisho.language.coded_code import CodedRules
from sekisho.language.diagnostics import Diagnostic
from sekisho.language.explain import Explanation, explain, render_explanation
from sekisho.language.fold import fold, fold_items
from sekisho.language.format import format_condition, format_operand, format_rule
from sekisho.language.interpret import interpret
from sekisho.language.polars_code import match_columns, polars_expression
from sekisho.language.python_code import CompiledRules, compile_condition, compile_rules
from sekisho.language.render import render
from sekisho.language.rules_file import RuleText, split_rules
from sekisho.language.set_lints import SetDiagnostic, implies, lint_set
from sekisho.language.sql_code import DIALECTS, sql_condition, sql_matches
from sekisho.language.tree import (
    Action,
    And,
    Arithmetic,
    Attribute,
    Compare,
    Condition,
    Flag,
    InItems,
    InList,
    IsMissing,
    Metadata,
    Not,
    Number,
    Op,
    Operand,
    Or,
    Rule,
    Span,
    Text,
    Type,
)
from sekisho.language.uses import fields_of, lists_of

__all__ = [
    "DIALECTS",
    "Action",
    "And",
    "Arithmetic",
    "Attribute",
    "AttributeSpec",
    "Catalogue",
    "Checked",
    "CheckedCondition",
    "CodedRules",
    "Compare",
    "CompiledRules",
    "Condition",
    "Diagnostic",
    "Explanation",
    "Flag",
    "InItems",
    "InList",
    "IsMissing",
    "Metadata",
    "Not",
    "Number",
    "Op",
    "Operand",
    "Or",
    "Rule",
    "RuleText",
    "SetDiagnostic",
    "Span",
    "Text",
    "Type",
    "check_condition",
    "check_rule",
    "compile_condition",
    "compile_rules",
    "explain",
    "fields_of",
    "fold",
    "fold_items",
    "format_condition",
    "format_operand",
    "format_rule",
    "implies",
    "interpret",
    "lint_set",
    "lists_of",
    "match_columns",
    "polars_expression",
    "render",
    "render_explanation",
    "split_rules",
    "sql_condition",
    "sql_matches",
]
