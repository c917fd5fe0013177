"""Lets SpiffWorkflow evaluate through our expressions and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from SpiffWorkflow.bpmn.script_engine.python_engine import PythonScriptEngine

from decision_flow.engine.data import Context
from decision_flow.errors import N_, DecisionFlowError, ProcedureFault, Text
from decision_flow.expressions import compile_expression


class Evaluator(PythonScriptEngine):  # type: ignore[misc]
    """The script engine of one command: our expressions over task data, at one moment."""

    def __init__(self, context: Context) -> None:
        super().__init__(environment=None)
        self.environment = None
        self.context = context

    def validate(self, expression: str) -> None:
        """Raise `Invalid` for an expression outside our language."""
        compile_expression(expression)

    def evaluate(self, task: Any, expression: str, external_context: Mapping[str, Any] | None = None) -> Any:
        """Return the value of `expression` over the task's data. Raises `ProcedureFault`."""
        try:
            names = {**task.data, **(external_context or {})}
            return compile_expression(expression.strip()).evaluate(names, self.context.functions)
        except ProcedureFault:
            raise
        except DecisionFlowError as error:
            element = str(getattr(task.task_spec, "bpmn_id", None) or task.task_spec.name)
            raise ProcedureFault(
                N_("程序在“%(element)s”处不能继续：%(reason)s 请联系程序管理人员。"),
                element=element,
                expression=expression,
                reason=Text.of(error.message, error.values),
            ) from error

    def execute(self, task: Any, script: str, external_context: Mapping[str, Any] | None = None) -> bool:
        """Refuse: no script ever runs."""
        raise ProcedureFault(N_("程序中不允许运行脚本。"), element=str(task.task_spec.name), expression=script)

    def call_service(self, task: Any, **kwargs: Any) -> None:
        """Refuse: product functions are requested as `Call`s, never run inside the engine."""
        raise ProcedureFault(N_("程序中不允许直接调用服务。"), element=str(task.task_spec.name))
