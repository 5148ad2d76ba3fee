import type { Credentials, Instance } from '../api/portal';

/** The variables that the AWS CLI and every SDK read. */
function variables(credentials: Credentials): [name: string, value: string][] {
  return [
    ['AWS_ACCESS_KEY_ID', credentials.accessKeyId],
    ['AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey],
    ['AWS_SESSION_TOKEN', credentials.sessionToken],
    // Two names for one thing: older SDKs know only the first, and the second wins where both are known.
    ['AWS_DEFAULT_REGION', credentials.region],
    ['AWS_REGION', credentials.region],
    ['AWS_ENDPOINT_URL', credentials.endpointUrl ?? ''],
  ].filter((pair): pair is [string, string] => pair[1] !== '');
}

/** Lines for sh, bash and zsh. Inside single quotes a shell expands nothing. */
export function bash(credentials: Credentials): string {
  return variables(credentials)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`)
    .join('\n');
}

/** Lines for PowerShell. Inside single quotes it expands nothing; a quote is written twice. */
export function powerShell(credentials: Credentials): string {
  return variables(credentials)
    .map(([name, value]) => `$Env:${name}='${value.replaceAll("'", "''")}'`)
    .join('\n');
}

/** Where the server's own APIs answer. */
export function endpoint(instance: Instance): string {
  return instance.portalUrl.replace(/\/+$/, '').replace(/\/start$/, '');
}

/** Slashes, which names of accounts’ own roles have, become dashes. */
export function profileName(accountId: string, roleName: string): string {
  return `${roleName.replaceAll('/', '-')}-${accountId}`;
}

interface Chosen {
  instance: Instance;
  accountId: string;
  roleName: string;
  credentials?: Pick<Credentials, 'region' | 'endpointUrl'> | undefined;
}

/**
 * Text for ~/.aws/config with which `aws sso login` fetches and renews credentials by itself. It holds no secret.
 * The `services` section sends the two single sign-on services here; commands of other services go where the
 * account's own APIs are.
 */
export function profile({ instance, accountId, roleName, credentials }: Chosen): string {
  const url = endpoint(instance);
  return [
    '[sso-session gatehouse]',
    `sso_start_url = ${instance.startUrl}`,
    `sso_region = ${instance.ssoRegion}`,
    'sso_registration_scopes = sso:account:access',
    '',
    `[profile ${profileName(accountId, roleName)}]`,
    'sso_session = gatehouse',
    `sso_account_id = ${accountId}`,
    `sso_role_name = ${roleName}`,
    `region = ${credentials?.region ?? instance.ssoRegion}`,
    'services = gatehouse',
    ...(credentials?.endpointUrl ? [`endpoint_url = ${credentials.endpointUrl}`] : []),
    '',
    '[services gatehouse]',
    'sso =',
    `  endpoint_url = ${url}`,
    'sso_oidc =',
    `  endpoint_url = ${url}`,
  ].join('\n');
}

/** The command that uses the profile. */
export function loginCommand(accountId: string, roleName: string): string {
  return `aws sso login --profile ${profileName(accountId, roleName)}`;
}
