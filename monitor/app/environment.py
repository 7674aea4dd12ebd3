"""What the environment says of the configuration: `CORPUS_DRIFT_SECTION__KEY`, and secrets from files it names."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from monitor.errors import ConfigurationError

PREFIX = "CORPUS_DRIFT_"
SECRET_LIMIT = 64 << 10
"""Characters of a secret's file: what is longer is another file."""


class _Given(EnvSettingsSource):
    """pydantic's reading of a mapping instead of the process's own environment."""

    def __init__(self, settings: type[BaseSettings], environment: Mapping[str, str]) -> None:
        self._given = {name.lower(): value for name, value in environment.items()}
        super().__init__(settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return dict(self._given)


def variable(keys: tuple[str, ...]) -> str:
    """The name of the environment variable for a key of the file."""
    return PREFIX + "__".join(keys).upper()


def secret_keys(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """The keys of the file that hold secrets.

    They are read from the environment (`..._TOKEN`) or from a file it names (`..._TOKEN_FILE`), never from the TOML.
    """
    for name, field in model.model_fields.items():
        if field.annotation is SecretStr:
            yield (name,)
        for of in (field.annotation, *get_args(field.annotation)):
            if isinstance(of, type) and issubclass(of, BaseModel):
                yield from ((name, *keys) for keys in secret_keys(of))


def secrets_in_file(content: Mapping[str, Any], model: type[BaseModel]) -> Iterator[str]:
    """A problem for each secret that stands in the file."""
    for keys in secret_keys(model):
        level: Any = content
        for key in keys:
            level = level.get(key) if isinstance(level, dict) else None
        if level is not None:
            name = variable(keys)
            yield f"{'.'.join(keys)}: a secret in the file; expected it in {name} or in the file named by {name}_FILE"


def overridden(
    content: Mapping[str, Any], environment: Mapping[str, str], settings: type[BaseSettings]
) -> tuple[dict[str, Any], list[str]]:
    """The file's content with what the environment says put over it, and what is wrong with the latter."""
    files = {f"{variable(keys)}_FILE": keys for keys in secret_keys(settings)}
    ours = {name.upper(): value for name, value in environment.items() if name.upper().startswith(PREFIX)}
    problems = [
        f"{name}: no such section; expected one of {', '.join(settings.model_fields)}"
        # Kubernetes sets CORPUS_DRIFT_PORT and the like for a service of our name: only `__` makes a key of ours.
        for name in sorted(ours)
        if "__" in name and name.removeprefix(PREFIX).partition("__")[0].lower() not in settings.model_fields
    ]
    made = dict(content)
    for name, keys in files.items():
        if name in ours:
            try:
                made = _merged(made, _nested(keys, secret_in(name, Path(ours[name]))))
            except ConfigurationError as error:
                problems.append(str(error))
    direct = {name: value for name, value in ours.items() if "__" in name and name not in files}
    try:
        made = _merged(made, _Given(settings, direct)())
    except SettingsError as error:
        problems.append(f"{PREFIX}...: {error}; expected JSON for a list or a table")
    return made, problems


def secret(keys: tuple[str, ...], environment: Mapping[str, str]) -> str:
    """One secret where no configuration is read: from its variable, else from the file that is named; "" for none.

    Raises:
        ConfigurationError: the file cannot be read, or holds nothing.
    """
    ours = {name.upper(): value for name, value in environment.items()}
    name = variable(keys)
    if name in ours:
        return ours[name]
    return secret_in(f"{name}_FILE", Path(ours[f"{name}_FILE"])) if f"{name}_FILE" in ours else ""


def secret_in(name: str, path: Path) -> str:
    """A file's secret, without the white space around it.

    Args:
        name: what named the file.
        path: the file.

    Raises:
        ConfigurationError: it cannot be read, holds nothing or too much.
    """
    shown = f"{name} = {str(path)!r}"
    try:
        with path.open(encoding="utf-8") as file:
            value = file.read(SECRET_LIMIT)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        message = f"{shown}: cannot be read: {why}; expected a file with the secret"
        raise ConfigurationError(message) from error
    if len(value) == SECRET_LIMIT or not value.strip():
        message = f"{shown}: {'too long' if value.strip() else 'empty'}; expected a file with the secret"
        raise ConfigurationError(message)
    return value.strip()


def _nested(keys: tuple[str, ...], value: str) -> dict[str, Any]:
    made: Any = value
    for key in reversed(keys):
        made = {key: made}
    return dict(made)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` put over `under`, table by table."""
    made = dict(under)
    for key, value in over.items():
        below = made.get(key)
        made[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return made
