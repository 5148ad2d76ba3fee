import { useEffect, useState } from 'react';
import { chooseMode, chosenMode, modes } from '../look/mode';
import type { Mode } from '../look/mode';

const words: Record<Mode, string> = { system: 'Theme of the system', light: 'Light theme', dark: 'Dark theme' };

const drawings: Record<Mode, React.ReactNode> = {
  system: <path d="M2.5 3.5h11v7.5h-11zM6 13.5h4M8 11v2.5" />,
  light: (
    <path d="M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1.2v1.6M8 13.2v1.6M1.2 8h1.6M13.2 8h1.6M3.2 3.2l1.1 1.1M11.7 11.7l1.1 1.1M3.2 12.8l1.1-1.1M11.7 4.3l1.1-1.1" />
  ),
  dark: <path d="M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8z" />,
};

/** Three radio buttons drawn as one switch: arrow keys and screen readers know them without our doing. */
export function ModeSwitch() {
  const [mode, setMode] = useState(chosenMode);
  useEffect(() => {
    const follow = () => setMode(chosenMode());
    window.addEventListener('storage', follow);
    return () => window.removeEventListener('storage', follow);
  }, []);
  return (
    <fieldset className="mode-switch">
      <legend className="sr-only">Theme</legend>
      {modes.map((each) => (
        <label key={each} title={words[each]}>
          <input
            type="radio"
            name="theme"
            value={each}
            checked={mode === each}
            onChange={() => {
              chooseMode(each);
              setMode(each);
            }}
          />
          <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
            {drawings[each]}
          </svg>
          <span className="sr-only">{words[each]}</span>
        </label>
      ))}
    </fieldset>
  );
}
