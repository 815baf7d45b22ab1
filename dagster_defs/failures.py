"""ShoalErrors as Dagster failures: the same message in the UI and on the console, no pointless retries."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from python_ml.errors import ShoalError, WarehouseBusyError

# Only a warehouse that another process holds may be free the next time.
RETRIES = dg.RetryPolicy(max_retries=2, delay=10)


@contextmanager
def errors_as_failures() -> Iterator[None]:
    """Raise dagster.Failure with the error's own message; the ShoalError stays its cause."""
    try:
        yield
    except ShoalError as error:
        raise dg.Failure(str(error), allow_retries=isinstance(error, WarehouseBusyError)) from error
