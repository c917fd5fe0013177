// Draws a matter's diagram with what was passed and what stands. The table below it says the same.
import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';
import { place } from './diagrams/place.js';

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
    const standing = Object.keys(told.now).find(id => registry.get(id)) || (calling[0] || {}).id;
    place(viewer, registry.get(standing) || registry.filter(element => element.type === 'bpmn:StartEvent')[0], 0.5, 0.8);
    box.dataset.ready = 'true';
  })();
}
