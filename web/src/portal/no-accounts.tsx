import Button from '@cloudscape-design/components/button';

/** Signed in, and nothing to reach: says why that may be and whom to ask for what. */
export function NoAccounts({ userName, onReload }: { userName: string; onReload: () => void }) {
  return (
    <section className="nothing" aria-labelledby="nothing-title">
      <h2 id="nothing-title">No accounts yet</h2>
      <p>
        You are signed in, but no role in any account is assigned to you. Ask an administrator to assign one to you or
        to a group you are in, and give them your user name:
      </p>
      <p className="nothing-name">{userName}</p>
      <p>If you were just added to a group, your identity provider may need some minutes to pass that on.</p>
      <Button iconName="refresh" onClick={onReload}>
        Look again
      </Button>
    </section>
  );
}
