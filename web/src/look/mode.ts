/** What the person chose. `system` follows the operating system, also when that changes. */
export type Mode = 'system' | 'light' | 'dark';

export const modes: readonly Mode[] = ['system', 'light', 'dark'];

/** The only thing the portal keeps in the browser: a taste, not a fact about anybody. */
const key = 'gatehouse.theme';

export function chosenMode(): Mode {
  try {
    const kept = localStorage.getItem(key);
    return modes.find((mode) => mode === kept) ?? 'system';
  } catch {
    return 'system'; // Storage is blocked; nothing is lost but the choice.
  }
}

export function chooseMode(mode: Mode): void {
  try {
    localStorage.setItem(key, mode);
  } catch {
    // As above.
  }
  show(mode);
}

/** Shows the chosen mode, and keeps showing it as the system or another tab changes. Called once, before rendering. */
export function followTheme(): void {
  show(chosenMode());
  systemIsDark().addEventListener('change', () => show(chosenMode()));
  window.addEventListener('storage', (event) => {
    if (event.key === key) {
      show(chosenMode());
    }
  });
}

function systemIsDark(): MediaQueryList {
  return matchMedia('(prefers-color-scheme: dark)');
}

function show(mode: Mode): void {
  const dark = mode === 'dark' || (mode === 'system' && systemIsDark().matches);
  document.body.classList.toggle('awsui-dark-mode', dark);
  document.documentElement.dataset.mode = dark ? 'dark' : 'light';
}
