"""The settings of the app, the image and the services."""

import re

import pytest
import yaml

from ecglib.paths import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def test_settings_of_the_app_have_reasons() -> None:
    """A comment behind the line, or above it and those that belong to it."""
    lines = (ROOT / "app" / "voila.py").read_text(encoding="utf-8").splitlines()
    settings = [i for i, line in enumerate(lines) if line.startswith("c.")]
    assert len(settings) > 15
    bare = [i for i in settings if " # " not in lines[i] and not lines[i].endswith("[")]
    assert [lines[i] for i in bare if not lines[i - 1].startswith(("#", "c."))] == []


def test_services_answer_this_computer_only_and_have_no_powers_to_spare() -> None:
    ports = {name: service["ports"] for name, service in COMPOSE["services"].items()}
    assert ports == {"app": ["127.0.0.1:3000:3000"], "api": ["127.0.0.1:8000:8000"]}
    assert "\nEXPOSE 3000 8000\n" in DOCKERFILE and "'.[app,api]'" in DOCKERFILE
    for service in COMPOSE["services"].values():
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert all(volume.endswith(":ro") for volume in service["volumes"])
    assert DOCKERFILE.index("USER ecg") < DOCKERFILE.index("\nCMD ")


def test_health_checks() -> None:
    """They need nothing that a slim image lacks; the API's asks for an address that it has."""
    pytest.importorskip("fastapi")
    from ecglib.apps.api.app import info

    checks = re.findall(r"HEALTHCHECK.*\n\s+CMD (\[.*\])", DOCKERFILE)
    commands = [yaml.safe_load(check) for check in checks]
    commands.append(COMPOSE["services"]["api"]["healthcheck"]["test"][1:])
    assert len(commands) == 2
    for program, option, code in commands:
        assert (program, option) == ("python", "-c")
        compile(code, "health check", "exec")
    assert "127.0.0.1:8000/health" in commands[-1][-1]
    assert "/health" in {route.path for route in info.routes}


def test_no_secret_and_no_data_get_into_the_image() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {".git", ".env", "kaggle.json", "data", "outputs"} <= set(ignored)
