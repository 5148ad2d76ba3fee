import Button from '@cloudscape-design/components/button';
import Modal from '@cloudscape-design/components/modal';
import Tabs from '@cloudscape-design/components/tabs';
import { useState } from 'react';
import type { Account, Credentials, Instance, Role } from '../api/portal';
import { Trouble } from '../shell/trouble';
import { CodeBlock } from './code-block';
import { bash, loginCommand, powerShell, profile } from './formats';
import { TimeLeft } from './time-left';
import { useCredentials } from './use-credentials';
import type { Keys } from './use-credentials';
import { Values } from './values';

interface Props {
  account: Account;
  role: Role;
  instance: Instance;
  onClose: () => void;
  onSignedOut: () => void;
  /** The role was taken away since the accounts were loaded. */
  onNotAssigned: () => void;
}

/** The keys of one role in one account, in every form that people paste. */
export default function KeysDialog({ account, role, instance, onClose, onSignedOut, onNotAssigned }: Props) {
  const [keys, again] = useCredentials(account.id, role.name, onSignedOut);
  const [tab, setTab] = useState(isWindows() ? 'powershell' : 'bash');
  const credentials = keys.kind === 'here' ? keys.credentials : undefined;

  return (
    <Modal
      visible
      size="large"
      position="top"
      closeAriaLabel="Close"
      header="Access keys"
      onDismiss={onClose}
      footer={
        <div className="keys-foot">
          <Button iconName="refresh" disabled={keys.kind === 'loading'} onClick={again}>
            Get new keys
          </Button>
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        </div>
      }
    >
      <dl className="keys-what">
        <div>
          <dt>Account</dt>
          <dd>
            {account.name} <span className="account-id">{account.id}</span>
          </dd>
        </div>
        <div>
          <dt>Role</dt>
          <dd>{role.name}</dd>
        </div>
        <div>
          <dt>Time left</dt>
          <dd>
            <TimeLeft key={credentials?.accessKeyId} expiration={credentials?.expiration} />
          </dd>
        </div>
      </dl>
      {keys.kind === 'not-assigned' ? (
        <Trouble
          title={`${role.name} is no longer assigned to you`}
          why={keys.why}
          retryText="Show my accounts again"
          onRetry={onNotAssigned}
        />
      ) : (
        <Tabs
          ariaLabel="Ways to use the keys"
          activeTabId={tab}
          onChange={({ detail }) => setTab(detail.activeTabId)}
          i18nStrings={{ scrollLeftAriaLabel: 'Scroll left', scrollRightAriaLabel: 'Scroll right' }}
          tabs={[
            {
              id: 'bash',
              label: 'macOS and Linux',
              content: needing(keys, again, (have) => (
                <CodeBlock
                  lead="Paste into a terminal. The keys work in that terminal until they expire."
                  what="the commands for bash"
                  text={bash(have)}
                />
              )),
            },
            {
              id: 'powershell',
              label: 'PowerShell',
              content: needing(keys, again, (have) => (
                <CodeBlock
                  lead="Paste into PowerShell. The keys work in that window until they expire."
                  what="the commands for PowerShell"
                  text={powerShell(have)}
                />
              )),
            },
            {
              id: 'profile',
              label: 'AWS CLI profile',
              content: (
                <>
                  <CodeBlock
                    lead={
                      <>
                        Add to <code>~/.aws/config</code>. It holds no secret: the AWS CLI fetches keys, and renews
                        them, after you sign in.
                      </>
                    }
                    what="the profile"
                    text={profile({ instance, accountId: account.id, roleName: role.name, credentials })}
                  />
                  <CodeBlock
                    lead="Then sign in:"
                    what="the sign-in command"
                    text={loginCommand(account.id, role.name)}
                  />
                </>
              ),
            },
            {
              id: 'values',
              label: 'Individual values',
              content: needing(keys, again, (have) => <Values credentials={have} />),
            },
          ]}
        />
      )}
    </Modal>
  );
}

/** What a tab shows while the keys that it needs are not here. */
function needing(keys: Keys, again: () => void, show: (have: Credentials) => React.ReactNode): React.ReactNode {
  switch (keys.kind) {
    case 'here':
      return show(keys.credentials);
    case 'loading':
      return (
        <div className="keys-loading">
          <p role="status" className="sr-only">
            Getting keys
          </p>
          <div aria-hidden="true" />
        </div>
      );
    default:
      return <Trouble title="The keys could not be fetched" why={keys.why} onRetry={again} />;
  }
}

function isWindows(): boolean {
  return /\bWindows\b/.test(navigator.userAgent);
}
