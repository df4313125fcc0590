"""deploy/compose/: read strictly, linted, and shut in as the units of systemd are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import compose_spec
import pytest
import yaml

from lantern import COMMANDS
from safeguarding.clock import utc_now
from safeguarding.settings import Settings
from safeguarding.taxonomy import ROOT

FOLDER = ROOT / "deploy" / "compose"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = [name for name, each in SERVICES.items() if str(each["image"]).startswith("lantern-")]
TINI = "/usr/bin/tini"
PINNED = dict(
    line.split("=", 1)
    for line in (FOLDER / "images.env").read_text("utf-8").splitlines()
    if not line.startswith("#")
)
IMAGES = {name: image for name, image in PINNED.items() if name.endswith("_IMAGE")}
IGNORED = (ROOT / ".dockerignore").read_text("utf-8").splitlines()


def filled_in(text: str) -> str:
    """Return a text of compose.yml with what images.env says in its variables."""
    return re.sub(r"\$\{([A-Z_]+)(:\?[^}]*)?\}", lambda it: PINNED[it[1]], text)


def read_strictly(compose: dict[str, Any]) -> None:
    """Raise for what the compose specification does not know."""
    plain = {name: value for name, value in compose.items() if not name.startswith("x-")}
    # Docker takes a tag with a digest and goes by the digest; this library takes one of them.
    text = re.sub(r":[\w.-]+@", "@", filled_in(yaml.safe_dump(plain)))
    read = compose_spec.PyCompose.from_yaml(text)
    read.validate()
    read.to_spec()


def test_the_specification_knows_all_of_it() -> None:
    read_strictly(COMPOSE)


@pytest.mark.parametrize(
    "wrong", [{"read_onli": True}, {"restart": "perhaps"}, {"networks": ["nowhere"]}]
)
def test_a_slip_of_the_pen_is_refused(wrong: dict[str, Any]) -> None:
    changed = {**SERVICES, "console": {**SERVICES["console"], **wrong}}

    with pytest.raises(Exception, match=r"read_onli|perhaps|nowhere"):
        read_strictly({**COMPOSE, "services": changed})


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [hadolint, "--no-color", FOLDER / "Dockerfile"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_shut_in(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["mem_limit"]
    assert not service.get("privileged")
    if name != "set-up":
        assert service["restart"] == "always"
        assert service["healthcheck"]["test"][0] == "CMD"


def test_no_image_of_ours_runs_as_root() -> None:
    stages = (FOLDER / "Dockerfile").read_text("utf-8").split("\nFROM ")
    built = {SERVICES[name]["build"]["target"] for name in OURS}

    for target in built:
        [stage] = [each for each in stages if f" AS {target}\n" in f"{each}\n"]
        assert stage.count("\nUSER ") == 1
        assert "\nUSER 10001:10001\n" in stage


def test_the_outside_reaches_nginx_alone_and_rasa_reaches_nothing_outside() -> None:
    assert [name for name, each in SERVICES.items() if each.get("ports")] == ["proxy"]
    internal = {name for name, each in COMPOSE["networks"].items() if each.get("internal")}
    open_to_outside = {
        name for name, each in SERVICES.items() if not set(each["networks"]) <= internal
    }
    assert open_to_outside == {"proxy", "dispatcher"}
    for name in ("rasa-1", "rasa-2"):
        assert SERVICES[name]["networks"] == ["assistant"]
        assert not [each for each in SERVICES[name]["volumes"] if each.startswith("state")]


def test_conversations_and_secrets_lie_nowhere_else() -> None:
    assert "volumes" in SERVICES["redis"]
    assert all(each.endswith(":ro") for each in SERVICES["redis"]["volumes"])
    keeps_state = {
        name
        for name, each in SERVICES.items()
        if any(volume.startswith("state:") for volume in each.get("volumes", ()))
    }
    assert keeps_state == {"gateway-1", "gateway-2", "console", "dispatcher", "set-up"}
    keys = {
        name: [volume for volume in each.get("volumes", ()) if volume.startswith("keys:")]
        for name, each in SERVICES.items()
    }
    place = "keys:/var/lib/lantern-secrets"
    assert keys.pop("set-up") == [place]
    assert {name for name, volumes in keys.items() if volumes} == keeps_state - {"set-up"}
    assert all(volumes in ([], [f"{place}:ro"]) for volumes in keys.values())
    # Everything is left out of the images but what is named.
    assert IGNORED[1] == "**"
    named = {line[1:] for line in IGNORED if line.startswith("!")}
    assert not named & {"var", ".env", "tests", "docs", "lab", "models", "deploy"}
    assert not [line for line in named if line.startswith("deploy/compose")]


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_of_others_has_a_tag_and_a_digest(name: str) -> None:
    assert re.fullmatch(r"docker\.io/library/[a-z]+:[\w.-]+@sha256:[0-9a-f]{64}", IMAGES[name])


def test_the_day_on_which_the_images_were_looked_up_reaches_the_check_of_their_age() -> None:
    told: dict[str, str] = SERVICES["set-up"]["environment"]
    settings = Settings.from_env({name: filled_in(text) for name, text in told.items()})

    assert settings.images == tuple(IMAGES.values())
    assert settings.images_looked_up == date.fromisoformat(PINNED["IMAGES_LOOKED_UP"])


def test_the_command_of_the_documents_prints_the_lines_of_the_file(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    [command] = re.findall(r"```sh\n(sed -n .*?)```", page, re.DOTALL)
    docker = tmp_path / "docker"
    digest = f"sha256:{'0a' * 32}"
    docker.write_text(f"#!/bin/sh\necho '\"{digest}\"'\n", "utf-8")
    docker.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    printed = subprocess.check_output(
        ["bash", "-c", command], cwd=ROOT, env={"PATH": path, "TZ": "UTC"}, text=True
    ).splitlines()

    bare = {name: image.partition("@")[0] for name, image in IMAGES.items()}
    assert printed[:-1] == [f"{name}={image}@{digest}" for name, image in bare.items()]
    name, _, day = printed[-1].partition("=")
    assert name == "IMAGES_LOOKED_UP"
    assert abs(date.fromisoformat(day) - utc_now().date()) <= timedelta(days=1)


def test_what_a_timer_of_systemd_runs_is_named_for_a_machine_with_containers() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    containers = page.partition("\n## Containers\n")[2].partition("\n## ")[0]
    timers = sorted((ROOT / "deploy" / "systemd").glob("*.timer"))
    assert timers
    for timer in timers:
        unit = timer.with_suffix(".service").read_text("utf-8")
        [run] = re.findall(r"^ExecStart=.*-m (lantern [a-z-]+(?: --[a-z-]+)?)", unit, re.MULTILINE)
        assert f"`{run}" in containers, timer.name


def test_no_image_of_others_is_named_outside_the_list() -> None:
    used = {name: str(each["image"]) for name, each in SERVICES.items() if name not in OURS}
    named = {name: re.match(r"\$\{([A-Z_]+):\?", image) for name, image in used.items()}
    assert {name for name, found in named.items() if found is None} == set()
    built_on = re.findall(
        r"^FROM (\S+) AS", (FOLDER / "Dockerfile").read_text("utf-8"), re.MULTILINE
    )
    assert set(built_on) == {"${DEBIAN_IMAGE}", "base"}
    variables = {found[1] for found in named.values() if found} | {"DEBIAN_IMAGE"}
    assert variables == set(IMAGES)
    for name in OURS:
        assert SERVICES[name]["build"]["args"]["DEBIAN_IMAGE"].startswith("${DEBIAN_IMAGE:?")
    told = SERVICES["set-up"]["environment"]["LANTERN_IMAGES"]
    assert set(told.split()) == {f"${{{name}}}" for name in IMAGES}


def test_settings_of_the_containers_are_settings() -> None:
    env = {
        name: value
        for name, value in SERVICES["gateway-1"]["environment"].items()
        if name.startswith("LANTERN_")
    }
    known = (ROOT / "safeguarding" / "settings.py").read_text("utf-8")

    assert [name for name in env if f'"{name}"' not in known] == []
    settings = Settings.from_env(env)
    assert settings.rasa_urls == ("http://rasa-1:5005", "http://rasa-2:5005")
    assert settings.actions_url == "http://actions:5055"
    assert (settings.gateway_trusted_proxies, settings.console_trusted_proxies) == (1, 1)


def test_the_containers_run_what_make_run_runs() -> None:
    inside = {"127.0.0.1": "0.0.0.0", "endpoints.yml": "/etc/lantern/endpoints.yml"}  # noqa: S104
    for line in (ROOT / "Procfile").read_text("utf-8").splitlines():
        name, _, command = line.partition(": ")
        if name == "ready":
            continue
        program, *arguments = command.split()
        wanted = [Path(program).name, *(inside.get(each, each) for each in arguments)]
        services = [name, f"{name}-1", f"{name}-2"]
        found = [SERVICES[each]["command"] for each in services if each in SERVICES]
        assert found
        for each in found:
            assert (each.split() if isinstance(each, str) else each) == wanted


def test_what_hangs_in_a_container_is_ended() -> None:
    """Docker restarts a container whose program ends, and leaves one that is unhealthy alone."""
    lasting = [name for name in OURS if name not in {"proxy", "set-up"}]

    assert len(lasting) == 7
    for name in lasting:
        entrypoint = SERVICES[name]["entrypoint"]
        assert entrypoint == [TINI, "--", "python", "-m", "lantern", "watch", "--"]
        assert SERVICES[name]["restart"] == "always"
    assert COMMANDS["watch"].environment == "any"  # Rasa's image has Rasa's environment alone
    assert "entrypoint" not in SERVICES["set-up"]
    assert f'ENTRYPOINT ["{TINI}", "--"]' in (FOLDER / "Dockerfile").read_text("utf-8")


def test_what_rasa_is_told_differs_in_where_the_actions_are_alone() -> None:
    here = yaml.safe_load((ROOT / "endpoints.yml").read_text("utf-8"))
    there = yaml.safe_load((FOLDER / "endpoints.yml").read_text("utf-8"))

    url = there["action_endpoint"].pop("url")
    assert (url, here["action_endpoint"].pop("url")) == (
        "http://actions:5055/webhook",
        "http://127.0.0.1:5055/webhook",
    )
    assert there == here
