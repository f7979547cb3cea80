"""The settings of one Candid server: a frozen `Config`, read once and passed down.

A setting comes from, in falling precedence, the command line, the environment (`CANDID_` and the key in
capitals, dots as underscores: `s3.endpoint_url` is `CANDID_S3_ENDPOINT_URL`), the TOML file, the default.
Nothing reads a setting at import.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any


class ConfigError(Exception):
    """A setting is unknown or has a value that cannot be used; the message names it and what would do."""


def _setting(default: Any, about: str, *, key: str = "", secret: bool = False) -> Any:  # noqa: ANN401
    return field(default=default, metadata={"about": about, "key": key, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting with its default; `describe()` lists them for people."""

    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(9000, "Port to listen on; 0 takes a free one.")
    region: str = _setting("us-east-1", "AWS region that clients must sign for and that stands in ARNs.")
    account: str = _setting("000000000000", "Twelve-digit account of the operator and of the customer `dev`.")
    models: str = _setting("", "Folder of the models; empty: `candid/models` in the user's cache folder.")
    key_file: str = _setting(
        "", "File of the key that encrypts the data folder; empty: in the user's configuration folder."
    )
    providers: str = _setting(
        "auto", "ONNX Runtime provider: auto, cpu, cuda, coreml. One that is not available is an error."
    )
    threads: int = _setting(0, "Threads of one forward pass; 0: one for each core.")
    workers: int = _setting(16, "Calls handled at once.")
    queue: int = _setting(64, "Calls that may wait for a worker; more are answered with ThrottlingException.")
    max_image_pixels: int = _setting(100_000_000, "Largest image in pixels; larger: ImageTooLargeException.")
    pixels_at_once: int = _setting(
        200_000_000, "Pixels of all images being handled; a call waits for room. 100 million take about 700 MB."
    )
    detector: str = _setting("", "Name of the face detector; empty: Candid's own.")
    embedder: str = _setting("", "Name of the embedder of new collections; empty: Candid's own.")
    keep_crops: bool = _setting(False, "Keep aligned face crops (encrypted) so that models can be upgraded.")
    retention_days: int = _setting(
        730, "Days after which a closed customer is erased with all that it stored; 0: never, else at least 183."
    )
    log_origin: str = _setting(
        "", "Name of the log of a new data folder; empty: `candid.local/` and the account.", key="log.origin"
    )
    log_witnesses: str = _setting(
        "",
        "File of a witness policy (C2SP tlog-policy): its witnesses must cosign before a checkpoint is public.",
        key="log.witnesses",
    )
    log_level: str = _setting("info", "debug, info, warning or error.")
    s3_endpoint_url: str = _setting(
        "",
        "S3-compatible endpoint for S3Object images; empty: folders in DIR/buckets.",
        key="s3.endpoint_url",
    )
    s3_region: str = _setting("us-east-1", "Region of that endpoint.", key="s3.region")
    s3_access_key_id: str = _setting("", "Access key of that endpoint.", key="s3.access_key_id")
    s3_secret_access_key: str = _setting(
        "", "Secret key of that endpoint.", key="s3.secret_access_key", secret=True
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as `candid config show` lists it; `value` is masked where the setting is secret."""

    key: str
    environment: str
    default: object
    value: object
    about: str


def _keys() -> dict[str, str]:
    return {(f.metadata["key"] or f.name): f.name for f in fields(Config)}


def environment_name(key: str) -> str:
    """`s3.endpoint_url` → `CANDID_S3_ENDPOINT_URL`."""
    return "CANDID_" + key.upper().replace(".", "_")


def describe(config: Config) -> list[Setting]:
    """Every setting with its key, environment variable, default and present value."""
    listed = []
    for f in fields(Config):
        key = f.metadata["key"] or f.name
        value = getattr(config, f.name)
        shown = "********" if f.metadata["secret"] and value else value
        default = None if f.default is MISSING else f.default
        listed.append(Setting(key, environment_name(key), default, shown, f.metadata["about"]))
    return listed


def load_config(
    file: Path | None = None,
    *,
    environment: Mapping[str, str] = os.environ,
    overrides: Mapping[str, object] | None = None,
) -> Config:
    """Read the settings.

    Args:
        file: a TOML file, or None.
        environment: where `CANDID_…` variables are looked up.
        overrides: what the command line said, by field name; None values are passed over.

    Raises:
        ConfigError: the file cannot be read, a key is unknown, or a value has the wrong type.
    """
    values: dict[str, object] = {}
    keys = _keys()
    if file is not None:
        for key, value in _flat(_read_toml(file)).items():
            if key not in keys:
                raise ConfigError(f"{file}: unknown setting {key!r}; `candid config show` lists them all")
            values[keys[key]] = value
    for key, name in keys.items():
        variable = environment_name(key)
        if variable in environment:
            values[name] = environment[variable]
    values |= {name: value for name, value in (overrides or {}).items() if value is not None}
    checked: dict[str, Any] = {name: _coerce(name, value) for name, value in values.items()}
    return replace(Config(), **checked)


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}") from error


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, object]:
    out: dict[str, object] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            out |= _flat(value, f"{prefix}{key}.")
        else:
            out[prefix + key] = value
    return out


_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


def _coerce(name: str, value: object) -> object:
    """The value in the type of its default; text (as the environment gives it) is read strictly."""
    default = getattr(Config(), name)
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _TRUE | _FALSE:
            return value.lower() in _TRUE
        raise ConfigError(f"{name} must be true or false, not {value!r}")
    if isinstance(default, int):
        if isinstance(value, int) and not isinstance(value, bool):
            return _in_range(name, value)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            return _in_range(name, int(value))
        raise ConfigError(f"{name} must be a whole number, not {value!r}")
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be text, not {value!r}")
    return _checked_text(name, value)


_LEAST_RETENTION = 183
"""Six months: for so long evidence about a customer that left can be asked for."""

_RANGES = {"port": (0, 65535), "threads": (0, 1024), "workers": (1, 1024), "retention_days": (0, 36_500)}


def _in_range(name: str, value: int) -> int:
    low, high = _RANGES.get(name, (0, 2**40))
    if name == "retention_days" and 0 < value < _LEAST_RETENTION:
        raise ConfigError(f"retention_days must be 0 (never) or at least {_LEAST_RETENTION}, not {value}")
    if not low <= value <= high:
        raise ConfigError(f"{name} must lie between {low} and {high}, not {value}")
    return value


def _checked_text(name: str, value: str) -> str:
    choices = {
        "log_level": ("debug", "info", "warning", "error"),
        "providers": ("auto", "cpu", "cuda", "coreml"),
    }.get(name)
    if choices is not None and value not in choices:
        raise ConfigError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    if name == "host" and not value:
        raise ConfigError("host must not be empty; 127.0.0.1 is this machine alone, 0.0.0.0 every address of it")
    if name == "region" and re.fullmatch(r"[a-z0-9-]{1,64}", value) is None:
        raise ConfigError(f"region must be like us-east-1, not {value!r}")
    if name == "account" and not (len(value) == 12 and value.isascii() and value.isdigit()):
        raise ConfigError(f"account must be twelve digits, not {value!r}")
    return value
