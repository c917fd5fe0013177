// A file that is too large is told of before it is sent.
export function watchFiles(form) {
  for (const box of form.querySelectorAll('input[type=file][data-limit]')) box.addEventListener('change', () => look(box));
}

function look(box) {
  const large = [...box.files].some(file => file.size > box.dataset.limit * 1048576);
  let told = box.parentElement.querySelector('.too-large');
  if (!told) {
    told = document.createElement('div');
    told.className = 'field-error too-large';
    told.setAttribute('role', 'alert');
    box.after(told);
  }
  told.textContent = large ? box.dataset.tooLarge : '';
  if (large) box.value = '';
}
