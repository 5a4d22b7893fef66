"""How the published client tells of what is refused."""

from promptrails import exceptions


def refused(act):
    try:
        act()
    except exceptions.PromptRailsError as error:
        return {"type": type(error).__name__, "status": error.status_code, "code": error.code, "message": error.message, "details": error.details}
    return None
