import Button from '@cloudscape-design/components/button';
import LiveRegion from '@cloudscape-design/components/live-region';
import { useEffect, useState } from 'react';
import { copyText } from './clipboard';

interface Props {
  text: string;
  /** What is copied, in a sentence: "the access key ID". */
  what: string;
  /** A bare icon, for a row of values; otherwise the icon with "Copy". */
  small?: boolean;
}

/** Copies, shows that it did, and says so to those who do not see it. */
export function CopyButton({ text, what, small = false }: Props) {
  const [state, setState] = useState<'idle' | 'done' | 'failed'>('idle');
  useEffect(() => {
    if (state === 'idle') {
      return undefined;
    }
    const timer = setTimeout(() => setState('idle'), 2500);
    return () => clearTimeout(timer);
  }, [state]);

  return (
    <span className="copy" data-state={state}>
      <Button
        variant={small ? 'icon' : 'normal'}
        iconName={state === 'done' ? 'status-positive' : state === 'failed' ? 'status-negative' : 'copy'}
        ariaLabel={`Copy ${what}`}
        onClick={() => void copyText(text).then((done) => setState(done ? 'done' : 'failed'))}
      >
        {state === 'done' ? 'Copied' : state === 'failed' ? 'Not copied' : 'Copy'}
      </Button>
      <LiveRegion hidden>
        {state === 'done' && `Copied ${what}.`}
        {state === 'failed' && 'The browser did not allow copying. Select the text and copy it by hand.'}
      </LiveRegion>
    </span>
  );
}
