// The buttons above a diagram: the whole, what is in hand, larger, smaller. Without script there is nothing to move.
export function addControls(viewer, bar, backToWork) {
  const canvas = viewer.get('canvas');
  const acts = {
    whole: () => canvas.zoom('fit-viewport', 'auto'),
    now: backToWork,
    larger: () => canvas.zoom(Math.min(3, canvas.zoom() * 1.25)),
    smaller: () => canvas.zoom(Math.max(0.15, canvas.zoom() / 1.25)),
  };
  for (const button of bar.querySelectorAll('[data-diagram-act]')) {
    button.addEventListener('click', acts[button.dataset.diagramAct]);
  }
  bar.querySelector('.diagram-acts').hidden = false;
}
