// A way that breaks the law, drawn step by step: each press of the button lights the next element.
import { button, el } from './dom.js';
import { say } from './words.js';

export function makePlayer(box, editor) {
  const { modeler } = editor;
  let lit = [];

  function stop() {
    const canvas = modeler.get('canvas');
    for (const id of lit) if (modeler.get('elementRegistry').get(id)) { canvas.removeMarker(id, 'on-way'); canvas.removeMarker(id, 'at-step'); }
    modeler.get('overlays').remove({ type: 'way' });
    lit = [];
    box.hidden = true;
  }

  async function play(finding) {
    stop();
    // One press of the button a node; the flow that leads there lights with it.
    const all = finding.counterexample;
    const steps = finding.steps;
    let at = -1;
    const words = el('p', { class: 'ed-now', 'aria-live': 'polite' });
    const back = button(say('上一步'), () => go(at - 1));
    const next = button(say('下一步 ▶'), () => go(at + 1), { class: 'btn btn-sm btn-primary' });
    box.replaceChildren(el('strong', {}, finding.message), words, el('div', { class: 'ed-links' }, back, next, button(say('收起演示'), stop)));
    box.hidden = false;

    async function go(to) {
      at = Math.max(0, Math.min(steps.length - 1, to));
      await editor.showElement(steps[at]);
      const canvas = modeler.get('canvas');
      const registry = modeler.get('elementRegistry');
      for (const id of lit) if (registry.get(id)) { canvas.removeMarker(id, 'on-way'); canvas.removeMarker(id, 'at-step'); }
      modeler.get('overlays').remove({ type: 'way' });
      lit = all.slice(0, all.lastIndexOf(steps[at]) + 1).filter(id => registry.get(id));
      for (const id of lit) canvas.addMarker(id, id === steps[at] ? 'at-step' : 'on-way');
      steps.slice(0, at + 1).forEach((id, number) => {
        if (registry.get(id)) modeler.get('overlays').add(id, 'way', { position: { bottom: 8, left: -8 }, html: el('div', { class: 'way-badge' }, String(number + 1)) });
      });
      words.textContent = finding.way.slice(0, at + 1).join(' → ');
      back.disabled = at === 0;
      next.disabled = at === steps.length - 1;
      box.dataset.step = String(at + 1);
      box.dataset.of = String(steps.length);
    }
    await go(0);
  }

  return { play, stop };
}
