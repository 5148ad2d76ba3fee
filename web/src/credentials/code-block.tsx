import { useId } from 'react';
import { CopyButton } from '../copy/copy-button';

interface Props {
  lead: React.ReactNode;
  /** What the text is, in a sentence: "the profile". */
  what: string;
  text: string;
}

/** Text to take away. It scrolls by itself, so the keyboard must reach it. */
export function CodeBlock({ lead, what, text }: Props) {
  const id = useId();
  return (
    <div className="code-block">
      <div className="code-lead">
        <p id={id}>{lead}</p>
        <CopyButton text={text} what={what} />
      </div>
      <pre tabIndex={0} role="group" aria-labelledby={id}>
        <code>{text}</code>
      </pre>
    </div>
  );
}
