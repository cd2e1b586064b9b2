"""Put the two default models into wheels, as ecglib/_models. All else is in pyproject.toml."""

from pathlib import Path
from shutil import rmtree

from setuptools import setup
from setuptools.command.build_py import build_py

MODELS = [f"models/{n}" for n in ("compact.safetensors", "compact.onnx", "patients.safetensors")]


class BuildWithModels(build_py):
    """The usual build and the models. An editable installation uses the folder models/ itself."""

    def run(self) -> None:
        if not self.editable_mode:
            rmtree(self.build_lib, ignore_errors=True)  # may hold modules of former versions
        super().run()
        if not self.editable_mode:
            folder = Path(self.build_lib, "ecglib", "_models")
            self.mkpath(str(folder))
            for model in MODELS:
                self.copy_file(model, str(folder))

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), *MODELS]


setup(cmdclass={"build_py": BuildWithModels})
