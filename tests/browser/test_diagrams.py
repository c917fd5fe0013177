"""Every shipped diagram opens in the editors' own library without a warning."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from decision_flow.resources import BPMN

pytestmark = [pytest.mark.browser, pytest.mark.skipif(not shutil.which("chromium"), reason="no Chromium")]
VIEWER = Path(__file__).parents[2] / "web/assets/node_modules/bpmn-js/dist/bpmn-viewer.production.min.js"
IMPORT = """async xml => {
  const viewer = new BpmnJS({ container: '#canvas' });
  const { warnings } = await viewer.importXML(xml);
  viewer.destroy();
  return warnings.map(warning => warning.message);
}"""


def test_the_diagrams_open_without_a_warning(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content('<div id="canvas"></div>')
    page.add_script_tag(path=VIEWER)
    told = {path: page.evaluate(IMPORT, path.read_text("utf-8")) for path in sorted(BPMN.glob("procedures/*/*.bpmn"))}
    page.close()
    assert len(told) > 15
    assert {str(path.relative_to(BPMN)): warnings for path, warnings in told.items() if warnings} == {}
