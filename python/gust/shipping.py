"""Turns a function into an action's code.

By its source where that says all of it: then it works with any Python and any version. Otherwise by cloudpickle, where that
is installed here; it travels with the function, so that workers need not have it.
"""

from __future__ import annotations

import builtins
import dataclasses
import inspect
import io
import pathlib
import pprint
import sys
import symtable
import textwrap
import types
import zipfile
from typing import Any, Callable, Dict, Optional, Set, Union

from .errors import ShippingError

#: What a worker runs, beside function.pickle and the folder cloudpickle.
LOADER = '''"""Made by gust's Python package: loads a function that was pickled on another machine."""
import os
import pickle
import sys

if sys.version_info[:2] != {version}:
    raise RuntimeError(
        "the function was pickled by Python {version[0]}.{version[1]}, and this is Python %d.%d: call it from the same version, "
        "run it in an image that has that one, or write it so that its source can be sent" % sys.version_info[:2]
    )
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "function.pickle"), "rb") as _file:
    _function = pickle.load(_file)


def work(params, burst):
    return _function({arguments})
'''


@dataclasses.dataclass(frozen=True)
class Shipped:
    code: Union[str, bytes]  #: source text, or a zip archive
    main: str = ""  #: exec.main
    how: str = "source"  #: or "cloudpickle"


class _NoSource(Exception):
    """Why source does not say all of a function."""


def ship(function: Callable[..., Any]) -> Shipped:
    """ShippingError, saying what of it cannot be sent. The function takes one worker's parameters, and may take its Burst."""
    takes_burst = _takes_burst(function)
    try:
        return _by_source(function, takes_burst)
    except _NoSource as error:
        reason = str(error)
    try:
        import cloudpickle
    except ImportError:
        raise ShippingError(
            f"{_name_of(function)} cannot be sent to workers: {reason}; change that, install cloudpickle here, or put the "
            "code into a file and deploy it"
        ) from None
    return _by_cloudpickle(function, takes_burst, cloudpickle)


def _name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", None) or repr(function)


def _takes_burst(function: Callable[..., Any]) -> bool:
    if not callable(function):
        raise ShippingError(f"{function!r} is no function")
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of some that are written in C
        return False
    positional = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    )
    needed = [entry for entry in parameters if entry.kind in positional and entry.default is entry.empty]
    possible = [entry for entry in parameters if entry.kind in (*positional, inspect.Parameter.VAR_POSITIONAL)]
    keyword = [e for e in parameters if e.kind is inspect.Parameter.KEYWORD_ONLY and e.default is e.empty]
    if len(needed) > 2 or not possible or keyword:
        raise ShippingError(
            f"{_name_of(function)}{inspect.signature(function)} cannot be called by a worker: it must take one argument, "
            "the worker's parameters, or two, the second of them its Burst"
        )
    return len(needed) == 2


# By source.


def _by_source(function: Callable[..., Any], takes_burst: bool) -> Shipped:
    pieces: Dict[str, str] = {}
    _collect(function, pieces, set())
    name = function.__name__
    if name == "work" and not takes_burst:
        raise _NoSource("a function that is called work gets two arguments, and this one takes one; rename it")
    if takes_burst and name != "work":
        if "work" in pieces:
            raise _NoSource("it uses something that is called work, which is what workers run; rename that")
        pieces["work"] = f"work = {name}\n"
    return Shipped(code="\n\n".join(pieces.values()), main="" if takes_burst else name)


def _collect(function: Any, pieces: Dict[str, str], on_the_way: Set[str]) -> None:
    """Adds the function's source, after that of everything that it names."""
    plain = inspect.unwrap(function)
    if not isinstance(plain, types.FunctionType):
        raise _NoSource(f"{_name_of(function)} is no function that Python code defines")
    name = plain.__name__
    if name == "<lambda>":
        raise _NoSource("a lambda has no source of its own; write it with def")
    if plain.__closure__:
        variables = ", ".join(plain.__code__.co_freevars)
        raise _NoSource(f"{name} uses variables of the function around it ({variables})")
    if plain.__qualname__ != name:
        raise _NoSource(f"{plain.__qualname__} is not defined at the top level of its file")
    on_the_way.add(name)
    source = _source_of(plain)
    _collect_globals(source, plain.__globals__, pieces, on_the_way)
    pieces[name] = source


def _source_of(thing: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(thing))
    except (OSError, TypeError):
        raise _NoSource(f"the source of {_name_of(thing)} cannot be read (was it typed in at a prompt?)") from None


def _collect_globals(source: str, scope: Dict[str, Any], pieces: Dict[str, str], on_the_way: Set[str]) -> None:
    for name in sorted(_free_names(source)):
        if name in pieces or name in on_the_way:
            continue
        if name in scope:
            _collect_global(name, scope[name], pieces, on_the_way)
        elif not hasattr(builtins, name) and not name.startswith("__"):
            raise _NoSource(f"it uses {name}, which is not defined")


def _free_names(source: str) -> Set[str]:
    """Names that the source takes from the module around it."""
    names: Set[str] = set()
    top = symtable.symtable(source, "<shipped>", "exec")
    tables = [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        for symbol in table.get_symbols():
            if (symbol.is_referenced() or symbol.is_assigned()) and (symbol.is_global() or table is top):
                if table is not top or not symbol.is_assigned():
                    names.add(symbol.get_name())
    return names - {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned()}


def _collect_global(name: str, value: Any, pieces: Dict[str, str], on_the_way: Set[str]) -> None:
    if isinstance(value, types.ModuleType):
        if _is_local(value.__name__):
            raise _NoSource(f"it uses {name}, a module of your own that workers do not have")
        pieces[name] = f"import {value.__name__} as {name}\n"
        return
    home = getattr(value, "__module__", None)
    original = getattr(value, "__qualname__", None)
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type)) and home and original:
        if home == "builtins":
            pieces[name] = f"{name} = {original}\n"
            return
        if isinstance(value, types.FunctionType) and inspect.unwrap(value).__globals__.get(name) is value:
            return _collect(value, pieces, on_the_way) if _is_local(home) else _import(name, home, original, pieces)
        if isinstance(value, type) and _is_local(home):
            if original != name:
                raise _NoSource(f"it uses the class {name}, which is not defined at the top level of its file")
            on_the_way.add(name)
            source = _source_of(value)
            _collect_globals(source, vars(sys.modules[home]), pieces, on_the_way)
            pieces[name] = source
            return
        if not _is_local(home):
            return _import(name, home, original, pieces)
    if _is_constant(value):
        pieces[name] = f"{name} = {pprint.pformat(value, width=120, sort_dicts=False)}\n"
        return
    raise _NoSource(f"it uses {name}, a {type(value).__name__} of the module around it, which source cannot say")


def _import(name: str, home: str, original: str, pieces: Dict[str, str]) -> None:
    if "." in original:
        raise _NoSource(f"it uses {name}, which cannot be imported from {home}")
    pieces[name] = f"from {home} import {original} as {name}\n"


def _is_local(module_name: str) -> bool:
    """Whether a module is the caller's own: a file that is installed nowhere. Workers do not have it."""
    file = getattr(sys.modules.get(module_name), "__file__", None)
    if module_name == "__main__" or file is None:
        return module_name == "__main__"
    path = pathlib.Path(file).resolve()
    installed = {pathlib.Path(inspect.__file__).resolve().parent}
    return "site-packages" not in path.parts and "dist-packages" not in path.parts and not installed & set(path.parents)


def _is_constant(value: Any) -> bool:
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return type(value) in (type(None), bool, int, float, complex, str, bytes) and value == value
    if type(value) in (tuple, list, set, frozenset):
        return bool(value or type(value) is not frozenset) and all(_is_constant(entry) for entry in value)
    return type(value) is dict and all(_is_constant(key) and _is_constant(entry) for key, entry in value.items())


# By cloudpickle.


def _by_cloudpickle(function: Callable[..., Any], takes_burst: bool, cloudpickle: types.ModuleType) -> Shipped:
    try:
        pickled = _pickle(function, cloudpickle)
    except Exception as error:  # whatever __reduce__ of what it refers to raises
        raise ShippingError(
            f"{_name_of(function)} cannot be sent to workers: cloudpickle: {type(error).__name__}: {error}"
        ) from error
    loader = LOADER.format(
        version=tuple(sys.version_info[:2]),
        arguments="params, burst" if takes_burst else "params",
    )
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("__main__.py", loader)
        archive.writestr("function.pickle", pickled)
        folder = pathlib.Path(cloudpickle.__file__).parent
        for file in sorted(folder.glob("*.py")):
            archive.write(file, f"cloudpickle/{file.name}")
    return Shipped(code=text.getvalue(), how="cloudpickle")


def _pickle(function: Callable[..., Any], cloudpickle: types.ModuleType) -> bytes:
    module: Optional[types.ModuleType] = sys.modules.get(getattr(function, "__module__", None) or "")
    by_value = module is not None and module.__name__ != "__main__" and _is_local(module.__name__)
    if by_value:  # or workers would look for the module
        cloudpickle.register_pickle_by_value(module)
    try:
        return cloudpickle.dumps(function)
    finally:
        if by_value:
            cloudpickle.unregister_pickle_by_value(module)
