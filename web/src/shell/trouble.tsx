import Alert from '@cloudscape-design/components/alert';
import Button from '@cloudscape-design/components/button';

interface Props {
  title: string;
  why: string;
  retryText?: string;
  onRetry?: (() => void) | undefined;
}

/** Says what went wrong in the server's words and offers the way on. Announced, since it appears unasked. */
export function Trouble({ title, why, retryText = 'Try again', onRetry }: Props) {
  return (
    <div role="alert">
      <Alert
        type="error"
        header={title}
        statusIconAriaLabel="Error"
        action={onRetry && <Button onClick={onRetry}>{retryText}</Button>}
      >
        {why}
      </Alert>
    </div>
  );
}
