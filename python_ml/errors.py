"""The exception tree. Every error says what was wrong, where, and what to do about it.

ShoalError
├── SettingError        a setting is unknown, of the wrong type or out of range
├── DeviceError         the asked-for device is not there
├── SourceError         a raw file is missing, corrupt, or lacks a column
├── ContractError       a table that crosses the dbt/Python border breaks its contract
├── ModelError          a model cannot be loaded, or cannot be fitted on this data
├── WarehouseBusyError  another process holds the warehouse
└── BuildError          a dbt command failed
"""


class ShoalError(Exception):
    """An error meant for a person.

    Args:
        what: what was wrong, with the value that was seen.
        where: the file, table, column or setting it was seen in.
        remedy: what to do about it.
    """

    def __init__(self, what: str, *, where: str, remedy: str) -> None:
        super().__init__(what, where, remedy)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}\n  where: {self.where}\n  to do: {self.remedy}"

    def __reduce__(self):
        return _rebuild, (type(self), self.what, self.where, self.remedy)


def _rebuild(kind: type[ShoalError], what: str, where: str, remedy: str) -> ShoalError:
    # Keyword-only arguments do not survive the default pickling, and step workers pickle their errors.
    return kind(what, where=where, remedy=remedy)


class SettingError(ShoalError):
    """A setting is unknown, of the wrong type or out of range."""


class DeviceError(ShoalError):
    """The asked-for device is not there."""


class SourceError(ShoalError):
    """A raw file is missing, corrupt, or lacks a column."""


class ContractError(ShoalError):
    """A table that crosses the dbt/Python border breaks its contract."""


class ModelError(ShoalError):
    """A model cannot be loaded, or cannot be fitted on this data."""


class WarehouseBusyError(ShoalError):
    """Another process holds the warehouse."""


class BuildError(ShoalError):
    """A dbt command failed."""
