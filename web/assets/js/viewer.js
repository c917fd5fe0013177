// Draws a matter's diagram with what was passed and what stands. The table below it says the same.
import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';

const box = document.getElementById('diagram');
if (box) {
  (async () => {
    const told = await (await fetch(box.dataset.url, { headers: { Accept: 'application/json' }, credentials: 'same-origin' })).json();
    const viewer = new NavigatedViewer({ container: box });
    await viewer.importXML(told.xml);
    const canvas = viewer.get('canvas');
    const registry = viewer.get('elementRegistry');
    const overlays = viewer.get('overlays');
    for (const id of Object.keys(told.passed)) if (registry.get(id)) canvas.addMarker(id, 'passed');
    for (const [id, names] of Object.entries(told.now)) {
      if (!registry.get(id)) continue;
      canvas.addMarker(id, 'standing');
      const badge = document.createElement('div');
      badge.className = 'who-badge';
      badge.textContent = names.join('、');
      overlays.add(id, { position: { bottom: -2, left: 0 }, html: badge });
    }
    // Work inside a called process shows on the activity that calls it.
    const calling = registry.filter(element => told.standing.includes((element.businessObject || {}).calledElement));
    for (const element of calling) canvas.addMarker(element, 'standing');
    canvas.zoom('fit-viewport', 'auto');
    const standing = Object.keys(told.now).find(id => registry.get(id)) || (calling[0] || {}).id;
    if (canvas.zoom() < 0.5) {
      // A long procedure would be unreadable as a whole: show it at reading size, at what stands now.
      canvas.zoom(0.8);
      const start = registry.filter(element => element.type === 'bpmn:StartEvent')[0];
      const middle = registry.get(standing) || start;
      if (middle) {
        const view = canvas.viewbox();
        const whole = view.inner;
        const keep = (at, size, from, length) => Math.max(from - 20, Math.min(at - size / 2, from + length + 20 - size));
        canvas.viewbox({
          x: keep(middle.x + 50, view.width, whole.x, whole.width),
          y: keep(middle.y + 40, view.height, whole.y, whole.height),
          width: view.width, height: view.height,
        });
      }
    }
    box.dataset.ready = 'true';
  })();
}
