/** Puts text on the clipboard and says whether it is there. */
export async function copyText(text: string): Promise<boolean> {
  // The clipboard API exists only in secure contexts: https, or this machine.
  if (navigator.clipboard !== undefined) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Refused by the person or by policy; the older way may still be allowed.
    }
  }
  return copyBySelection(text);
}

function copyBySelection(text: string): boolean {
  const active = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'sr-only';
  // Inside the dialog, where there is one: its focus trap would take the focus back from anywhere else.
  (active?.closest('[role="dialog"]') ?? document.body).append(area);
  area.select();
  try {
    return document.execCommand('copy');
  } catch {
    return false;
  } finally {
    area.remove();
    if (active instanceof HTMLElement) {
      active.focus();
    }
  }
}
