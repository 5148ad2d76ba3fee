import type { Credentials } from '../api/portal';
import { CopyButton } from '../copy/copy-button';

/** The parts of the keys one by one, for programs that ask for each. */
export function Values({ credentials }: { credentials: Credentials }) {
  const rows: [label: string, what: string, value: string | undefined][] = [
    ['Access key ID', 'the access key ID', credentials.accessKeyId],
    ['Secret access key', 'the secret access key', credentials.secretAccessKey],
    ['Session token', 'the session token', credentials.sessionToken],
    ['Region', 'the region', credentials.region],
    ['Endpoint', 'the endpoint', credentials.endpointUrl],
  ];
  return (
    <dl className="values">
      {rows.map(
        ([label, what, value]) =>
          value && (
            <div key={label}>
              <dt>{label}</dt>
              <dd>
                <code>{value}</code>
                <CopyButton small text={value} what={what} />
              </dd>
            </div>
          ),
      )}
    </dl>
  );
}
