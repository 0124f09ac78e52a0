"""Tokens, locked accounts, the audit trail and the guidance, as people use them in the pages."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from .browser import broken_rules, keep, log_in, new_page, watch
from .platform import Platform, wait_for

pytestmark = pytest.mark.browser


@pytest.fixture
def chief(browser: Browser, platform: Platform) -> Iterator[Page]:
    """Return a second desk, at which an administrator is signed in; an error of the page itself fails the test."""
    desk = new_page(browser)
    faults: list[str] = []
    watch(desk, faults)
    log_in(desk, platform, "chief")
    yield desk
    desk.context.close()
    assert faults == []


def answer(url: str, token: str, method: str = "GET") -> int:
    """Return the status a program with `token` gets."""
    request = urllib.request.Request(url, method=method, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as e:
        return e.code


@pytest.mark.feature("PLT-16")
def test_token_made_in_the_page_works_until_it_is_revoked(
    page: Page, platform: Platform, image_folder: Path | None
) -> None:
    log_in(page, platform)
    page.get_by_test_id("user-menu").click()
    page.get_by_test_id("menu-tokens").click()
    page.wait_for_url("**/account")
    page.get_by_test_id("token-create").click()
    page.get_by_test_id("token-submit").click()
    expect(page.get_by_text("请填写名称")).to_be_visible()
    page.get_by_test_id("token-name").fill("月报脚本")
    page.get_by_test_id("token-days").fill("7")
    expect(page.get_by_test_id("token-read-only")).to_be_checked()
    page.get_by_test_id("token-submit").click()
    token = page.get_by_test_id("token-value").input_value()
    assert re.fullmatch(r"hw_[\w-]{43}", token)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("token-value")).to_be_visible()
    assert broken_rules(page) == []
    page.get_by_test_id("token-done").click()
    expect(page.get_by_test_id("token-value")).to_have_count(0)
    assert token not in page.content()

    row = page.locator('[data-testid="token-row"][data-name="月报脚本"]')
    expect(row).to_have_attribute("data-used", "false")
    expect(row).to_contain_text(token[:9])
    expect(row).to_contain_text("7 天后到期")
    summary = f"{platform.address}/api/v1/alarms/summary"
    assert answer(summary, token) == 200
    assert answer(f"{platform.address}/api/v1/orders", token, "POST") == 403, "a token that only reads wrote"
    page.reload()
    expect(row).to_have_attribute("data-used", "true")
    keep(page, image_folder, "tokens")
    assert broken_rules(page) == []

    row.get_by_test_id("token-revoke").click()
    page.get_by_test_id("token-revoke-confirm").click()
    expect(row).to_have_count(0)
    assert answer(summary, token) == 401


@pytest.mark.feature("PLT-13")
def test_locked_account_counts_down_and_is_unlocked_by_an_administrator(
    page: Page, chief: Page, platform: Platform, image_folder: Path | None
) -> None:
    page.goto(platform.address)
    page.get_by_test_id("login-username").fill("operator")
    for _ in range(6):
        page.get_by_test_id("login-password").fill("not the password")
        with page.expect_response("**/api/v1/session") as refused:
            page.get_by_test_id("login-submit").click()
        assert refused.value.status == 401
    page.get_by_test_id("login-password").fill(platform.password)
    page.get_by_test_id("login-submit").click()
    wait = page.get_by_test_id("login-wait")
    expect(wait).to_have_attribute("data-code", "auth.locked")
    first = int(wait.get_attribute("data-rest") or 0)
    assert 840 < first <= 900
    wait_for(lambda: int(wait.get_attribute("data-rest") or 0) < first, 5)

    chief.get_by_test_id("nav-users").click()
    row = chief.locator('[data-testid="user-row"][data-user="operator"]')
    expect(row).to_have_attribute("data-locked", "true")
    expect(row.get_by_test_id("user-rest")).to_contain_text(re.compile(r"还剩 1[45]:\d\d"))
    before = row.get_by_test_id("user-rest").inner_text()
    expect(row.get_by_test_id("user-rest")).not_to_have_text(before)
    keep(chief, image_folder, "users")
    assert broken_rules(chief) == []
    row.get_by_test_id("user-unlock").click()
    expect(row).to_have_attribute("data-locked", "false")

    page.get_by_test_id("login-submit").click()
    page.wait_for_url("**/monitor**")
    expect(page.get_by_test_id("nav-users")).to_have_count(0)
    page.goto(f"{platform.address}/users")
    expect(page.get_by_role("alert")).to_contain_text("auth.permission_missing")

    row.get_by_role("link", name="operator 的操作记录").click()
    chief.wait_for_url("**/audit?actor=operator")
    rows = chief.get_by_test_id("audit-row")
    expect(rows.first).to_have_attribute("data-action", "session.opened")
    expect(chief.locator('[data-action="user.locked"]')).to_have_count(1)
    assert {r.get_attribute("data-actor") for r in rows.all()} == {"operator"}
    chief.goto(f"{platform.address}/audit")
    chief.get_by_test_id("audit-action").click()
    chief.get_by_title("账户解锁 user.unlocked").click()
    expect(rows.first).to_have_attribute("data-action", "user.unlocked")
    expect(chief.locator(".ant-select-dropdown")).to_be_hidden()
    assert {r.get_attribute("data-action") for r in rows.all()} == {"user.unlocked"}
    expect(rows.first).to_have_attribute("data-actor", "chief")
    rows.first.get_by_test_id("audit-detail").click()
    key = chief.locator('[data-testid="audit-key"][data-key="username"]')
    expect(key).to_have_text("用户名")
    expect(key.locator("+ dd")).to_have_text("operator")
    keep(chief, image_folder, "audit")
    assert broken_rules(chief) == []


@pytest.mark.feature("PLT-13")
def test_audit_trail_is_read_back_page_by_page(chief: Page, platform: Platform) -> None:
    log = f"{platform.address}/api/v1/audit"
    csrf = chief.request.get(f"{platform.address}/api/v1/session").json()["csrf"]
    for n in range(51):
        headers = {"X-CSRFToken": csrf}
        wanted = {"name": f"stack {n}", "days": 1, "read_only": True}
        made = chief.request.post(f"{platform.address}/api/v1/tokens", data=wanted, headers=headers)
        assert made.ok
        assert chief.request.delete(f"{platform.address}/api/v1/tokens/{made.json()['id']}", headers=headers).ok
    total = len(chief.request.get(f"{log}?actor=chief&action=token.&limit=500").json()["items"])
    assert total > 100

    chief.goto(f"{platform.address}/audit?actor=chief&action=token.")
    rows = chief.get_by_test_id("audit-row")
    expect(rows).to_have_count(100)
    chief.get_by_test_id("audit-more").click()
    expect(rows).to_have_count(total)
    expect(chief.get_by_test_id("audit-more")).to_have_count(0)
    times = [r.locator("td").first.inner_text() for r in rows.all()]
    assert times == sorted(times, reverse=True)


@pytest.mark.feature("PWR-08")
def test_guidance_is_found_by_what_people_call_it(page: Page, platform: Platform, image_folder: Path | None) -> None:
    log_in(page, platform, "viewer")
    page.get_by_test_id("nav-knowledge").click()
    items = page.get_by_test_id("knowledge-item")
    expect(items.first).to_be_visible()
    everything = items.count()
    page.get_by_test_id("knowledge-search").fill("堵磨")
    page.wait_for_url("**/knowledge?q=*")
    plugged = page.locator('[data-testid="knowledge-item"][data-template="mill_plugging"]').filter(
        has_text="磨煤机堵磨"
    )
    expect(plugged).to_have_count(1)
    expect(page.get_by_test_id("knowledge-count")).to_have_attribute("data-count", str(items.count()))
    assert 1 <= items.count() < everything
    # Found by an action alone: the line is shown.
    told = page.locator('[data-testid="knowledge-item"][data-template="mill_current"]')
    expect(told.filter(has_text="堵磨")).not_to_have_count(0)

    plugged.get_by_role("button").press("Enter")
    expect(plugged.get_by_test_id("guidance-action").first).to_be_visible()
    page.reload()
    expect(plugged).to_have_attribute("data-open", "true")
    keep(page, image_folder, "knowledge")
    assert broken_rules(page) == []
    page.get_by_test_id("knowledge-search").fill("mmjdm")
    expect(page.get_by_test_id("knowledge-count")).not_to_have_attribute("data-count", "0")
    page.get_by_test_id("knowledge-search").fill("没有这样的故障")
    expect(page.get_by_text("没有符合的处置指导")).to_be_visible()

    page.get_by_test_id("knowledge-search").fill("堵磨")
    link = page.locator('[data-testid="knowledge-group"][data-template="mill_plugging"]').get_by_test_id(
        "knowledge-models"
    )
    models = int(re.sub(r"\D", "", link.inner_text()))
    link.click()
    page.wait_for_url("**/models?template=mill_plugging")
    expect(page.get_by_test_id("model-row")).to_have_count(models)
