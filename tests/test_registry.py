"""Plug-ins are found, named, and missed in a helpful way."""

from importlib.metadata import EntryPoint

import pytest

from pisces_eval import registry as module
from pisces_eval.errors import EnvironmentFailure, UserError
from pisces_eval.registry import Registry, split_names


def test_every_built_in_plugin_goes_by_the_name_of_its_module():
    found = Registry()
    assert set(found.tasks()) == {"geneval", "mmmu", "easy_vqa"}
    assert set(found.models()) == {"answers", "images", "pisces", "pisces-tiny", "python"}
    assert set(found.detectors()) == {"mask2former", "mini", "mmdet", "onnx", "recorded"}
    assert set(found.reports()) == {"html", "markdown"}


def test_a_mistyped_name_gets_the_nearest_ones():
    with pytest.raises(UserError, match="no task is called 'genevall'; did you mean geneval"):
        Registry().task("genevall")


def test_a_name_like_none_gets_the_list():
    with pytest.raises(UserError, match="there are: easy_vqa, geneval, mmmu"):
        Registry().task("zzz")


def test_task_lists_drop_repeats_and_blanks():
    assert split_names(" a, b,,a ", ("a", "b")) == ("a", "b")


def test_an_empty_task_list_is_refused():
    with pytest.raises(UserError, match="no task named"):
        split_names(",", ("a",))


def test_a_plugin_file_adds_its_task(registry):
    assert registry.task("count_dots").info.title == "Count the dots"


def test_a_missing_plugin_file_is_said(tmp_path):
    with pytest.raises(UserError, match="no such Python file"):
        Registry((tmp_path / "none.py",)).tasks()


def test_a_broken_plugin_file_is_one_line(tmp_path):
    file = tmp_path / "broken.py"
    file.write_text("1 / 0")
    with pytest.raises(UserError, match="ZeroDivisionError: division by zero"):
        Registry((file,)).tasks()


def entry_point(value):
    return EntryPoint(name="theirs", value=value, group="pisces_eval.tasks")


def test_an_installed_package_adds_its_task(monkeypatch):
    monkeypatch.setattr(
        module,
        "entry_points",
        lambda group: [entry_point("pisces_eval.tasks.mmmu:TASK")] if "tasks" in group else [],
    )
    monkeypatch.setattr(module, "_built_in", lambda group: iter(()))
    assert list(Registry().tasks()) == ["mmmu"]


def test_a_broken_installed_package_is_named(monkeypatch):
    monkeypatch.setattr(module, "entry_points", lambda group: [entry_point("no_such_module:TASK")])
    with pytest.raises(EnvironmentFailure, match=r"'theirs' .* cannot be imported"):
        Registry().tasks()


def test_a_missing_extra_names_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentFailure, match=r'pip install "pisces-eval\[onnx\]"'):
        Registry().detector("onnx:model.onnx")
