import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { AdminClient } from '../api/admin';
import { accounts } from '../api/portal';
import type { Session } from '../api/portal';
import { whenItFails } from '../api/request';
import { canSign } from '../api/sign';
import { Loading } from '../shell/loading';
import { Trouble } from '../shell/trouble';
import { useTitle } from '../shell/use-title';

type Roles = { kind: 'loading' } | { kind: 'here'; names: string[] } | { kind: 'failed'; why: string };

/** What every page for administrators is given. */
export interface AdminPageProps {
  /** Undefined while it is being asked for. */
  session: Session | undefined;
  onSignedOut: () => void;
}

interface Props extends AdminPageProps {
  title: string;
  lead: string;
  /** What of the page is shown; the focus goes to the title when it becomes another. */
  shown: string | undefined;
  /** The actions that a role needs, as a sentence names them. */
  needs: string;
  /** The command that does the same. */
  command: string;
  children: (client: AdminClient) => React.ReactNode;
}

/**
 * A page for administrators: whoever has a role in the management account whose policies allow what the page asks. It signs what it asks
 * with that role's keys, as the command line does.
 */
export function AdminPage({ session, onSignedOut, title, lead, shown, needs, command, children }: Props) {
  const [roles, setRoles] = useState<Roles>({ kind: 'loading' });
  const [attempt, setAttempt] = useState(0);
  const [chosen, setChosen] = useState<string>();
  const heading = useRef<HTMLHeadingElement>(null);
  useTitle(title);

  useEffect(() => {
    if (session === undefined) {
      return undefined;
    }
    const controller = new AbortController();
    accounts(controller.signal).then(
      (all) => {
        const own = all.find((each) => each.id === session.instance.managementAccountId);
        // Roles that the account made itself may administer as well; their names have slashes.
        setRoles({ kind: 'here', names: own?.roles.map((each) => each.name) ?? [] });
      },
      whenItFails(controller.signal, onSignedOut, (why) => setRoles({ kind: 'failed', why })),
    );
    return () => controller.abort();
  }, [session, attempt, onSignedOut]);

  const names = roles.kind === 'here' ? roles.names : [];
  const role = chosen ?? names.find((name) => /admin/i.test(name)) ?? names[0];
  const instance = session?.instance;
  const client = useMemo(
    () => (instance !== undefined && role !== undefined ? new AdminClient(instance, role) : undefined),
    [instance, role],
  );

  // A reader of the screen is told that the page is another one now.
  const before = useRef(shown);
  useEffect(() => {
    if (before.current !== shown) {
      before.current = shown;
      heading.current?.focus();
    }
  }, [shown]);

  const retry = useCallback(() => {
    setRoles({ kind: 'loading' });
    setAttempt((n) => n + 1);
    heading.current?.focus();
  }, []);

  return (
    <div className="page">
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p className="lead">{lead}</p>
      {names.length > 1 && (
        <label className="field role-choice">
          As
          <select value={role} onChange={(event) => setChosen(event.target.value)}>
            {names.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      {roles.kind === 'loading' && <Loading what="your roles" />}
      {roles.kind === 'failed' && <Trouble title="Your roles could not be loaded" why={roles.why} onRetry={retry} />}
      {roles.kind === 'here' && names.length === 0 && (
        <section className="nothing" aria-labelledby="no-role">
          <h2 id="no-role">You have no role that administers</h2>
          <p>
            This page needs a role in the management account ({instance?.managementAccountId}) whose policies allow{' '}
            {needs}. Ask an administrator for one.
          </p>
        </section>
      )}
      {client !== undefined && !canSign() && (
        <Trouble
          title="This page needs https"
          why={`Browsers sign requests only on pages that came by https or from this computer itself. Open this server by its https address, or use “${command}”.`}
        />
      )}
      {client !== undefined && canSign() && children(client)}
    </div>
  );
}
