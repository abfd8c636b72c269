from typing import Any
def gather_report(*a: Any) -> dict[str, Any]:
    return {}
