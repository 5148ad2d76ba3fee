// AWS's JavaScript SDK against a running Gatehouse: every client, paginators, waiters, error types and credential providers. It knows the server by
// the environment alone (gatehouse env) and a sign-in that login.mjs made: node clients.mjs LOGIN_FILE.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import * as admin from '@aws-sdk/client-sso-admin'
import * as people from '@aws-sdk/client-identitystore'
import * as portal from '@aws-sdk/client-sso'
import * as oidc from '@aws-sdk/client-sso-oidc'
import * as sts from '@aws-sdk/client-sts'
import * as iam from '@aws-sdk/client-iam'
import * as organizations from '@aws-sdk/client-organizations'
import * as cloudformation from '@aws-sdk/client-cloudformation'
import { fromSSO, fromTemporaryCredentials } from '@aws-sdk/credential-providers'

const login = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const { GATEHOUSE_INSTANCE_ARN: InstanceArn, GATEHOUSE_IDENTITY_STORE_ID: IdentityStoreId, GATEHOUSE_START_URL: startUrl, AWS_REGION: region } = process.env
const options = { region, maxAttempts: 1 }
const a = new admin.SSOAdmin(options), p = new people.Identitystore(options), s = new sts.STS(options), i = new iam.IAM(options)
const o = new organizations.Organizations(options), c = new cloudformation.CloudFormation(options), web = new portal.SSO(options), tokens = new oidc.SSOOIDC(options)

let passed = 0
async function check(name, run) {
  try {
    await run()
    passed++
    console.log(`ok   ${name}`)
  } catch (e) {
    process.exitCode = 1
    console.log(`FAIL ${name}: ${e.stack}`)
  }
}

// all collects the items of every page of a paginator.
async function all(pages, member) {
  const out = []
  let n = 0
  for await (const page of pages) {
    out.push(...(page[member] ?? []))
    n++
  }
  return { items: out, pages: n }
}

// refused wants an error of a class of the SDK.
async function refused(promise, kind, text) {
  await assert.rejects(promise, (e) => {
    assert.ok(e instanceof kind, `${e.name} is no ${kind.name}: ${e.message}`)
    assert.match(e.message, text)
    assert.ok(e.$metadata.requestId)
    return true
  })
}

await check('sts: who one is', async () => assert.match((await s.getCallerIdentity({})).Arn, /:user\/gatehouse-administrator$/))

const { UserId } = await p.createUser({ IdentityStoreId, UserName: 'js', DisplayName: 'J S', Name: { GivenName: 'J', FamilyName: 'S' }, Emails: [{ Value: 'js@example.com', Primary: true }] })
const { GroupId } = await p.createGroup({ IdentityStoreId, DisplayName: 'JavaScript' })
await check('identitystore: documents, unions and dates', async () => {
  await p.updateUser({ IdentityStoreId, UserId, Operations: [{ AttributePath: 'title', AttributeValue: 'Engineer' }, { AttributePath: 'emails', AttributeValue: [{ value: 'new@example.com', primary: true }] }] })
  const user = await p.describeUser({ IdentityStoreId, UserId })
  assert.equal(user.Title, 'Engineer')
  assert.deepEqual(user.Emails, [{ Value: 'new@example.com', Primary: true }])
  const found = await p.getUserId({ IdentityStoreId, AlternateIdentifier: { UniqueAttribute: { AttributePath: 'userName', AttributeValue: 'js' } } })
  assert.equal(found.UserId, UserId)
  const { MembershipId } = await p.createGroupMembership({ IdentityStoreId, GroupId, MemberId: { UserId } })
  assert.deepEqual((await p.describeGroupMembership({ IdentityStoreId, MembershipId })).MemberId, { UserId })
  assert.equal((await p.isMemberInGroups({ IdentityStoreId, MemberId: { UserId }, GroupIds: [GroupId] })).Results[0].MembershipExists, true)
})
await check('identitystore: pages', async () => {
  const { items, pages } = await all(people.paginateListUsers({ client: p, pageSize: 20 }, { IdentityStoreId }), 'Users')
  assert.ok(items.some((u) => u.UserId === UserId) && pages > 1, `${items.length} users in ${pages} pages`)
  assert.equal(new Set(items.map((u) => u.UserId)).size, items.length)
})
await check('identitystore: errors have their classes', async () => {
  await refused(p.describeUser({ IdentityStoreId, UserId: '00000000-0000-4000-8000-000000000000' }), people.ResourceNotFoundException, /./)
  await refused(p.createGroup({ IdentityStoreId, DisplayName: 'JavaScript' }), people.ConflictException, /./)
})

const set = (await a.createPermissionSet({ InstanceArn, Name: 'JavaScript', SessionDuration: 'PT90M' })).PermissionSet
await check('sso-admin: a set with its dates', async () => {
  const got = (await a.describePermissionSet({ InstanceArn, PermissionSetArn: set.PermissionSetArn })).PermissionSet
  assert.equal(got.SessionDuration, 'PT90M')
  assert.ok(Math.abs(got.CreatedDate - Date.now()) < 3600_000)
})
await check('sso-admin: pages', async () => {
  const { items, pages } = await all(admin.paginateListPermissionSets({ client: a, pageSize: 1 }, { InstanceArn }), 'PermissionSets')
  assert.ok(items.includes(set.PermissionSetArn) && pages === items.length, `${items.length} sets in ${pages} pages`)
})
await check('sso-admin: an assignment, to its end', async () => {
  const { AccountAssignmentCreationStatus: begun } = await a.createAccountAssignment({ InstanceArn, PermissionSetArn: set.PermissionSetArn, TargetType: 'AWS_ACCOUNT', TargetId: login.account, PrincipalType: 'GROUP', PrincipalId: GroupId })
  assert.equal(begun.Status, 'IN_PROGRESS')
  let now
  for (let n = 0; n < 200; n++) {
    now = (await a.describeAccountAssignmentCreationStatus({ InstanceArn, AccountAssignmentCreationRequestId: begun.RequestId })).AccountAssignmentCreationStatus
    if (now.Status !== 'IN_PROGRESS') break
    await new Promise((r) => setTimeout(r, 100))
  }
  assert.equal(now.Status, 'SUCCEEDED', now.FailureReason)
})
await check('sso-admin: unions of applications', async () => {
  const { ApplicationArn } = await a.createApplication({ InstanceArn, ApplicationProviderArn: 'arn:aws:sso::aws:applicationProvider/custom', Name: 'js' })
  await a.putApplicationGrant({ ApplicationArn, GrantType: 'refresh_token', Grant: { RefreshToken: {} } })
  assert.deepEqual((await a.getApplicationGrant({ ApplicationArn, GrantType: 'refresh_token' })).Grant, { RefreshToken: {} })
  const ActorPolicy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: 'sso-oauth:CreateTokenWithIAM', Resource: '*' }] }
  await a.putApplicationAuthenticationMethod({ ApplicationArn, AuthenticationMethodType: 'IAM', AuthenticationMethod: { Iam: { ActorPolicy } } })
  assert.deepEqual((await a.getApplicationAuthenticationMethod({ ApplicationArn, AuthenticationMethodType: 'IAM' })).AuthenticationMethod.Iam.ActorPolicy, ActorPolicy)
  await a.deleteApplication({ ApplicationArn })
})
await check('sso-admin: errors have their classes', async () => {
  await refused(a.createPermissionSet({ InstanceArn, Name: 'JavaScript' }), admin.ConflictException, /JavaScript/)
  await refused(a.createPermissionSet({ InstanceArn, Name: 'white space' }), admin.ValidationException, /'name' failed to satisfy constraint/)
})

await check('organizations: pages', async () => {
  const { items, pages } = await all(organizations.paginateListAccounts({ client: o, pageSize: 2 }, {}), 'Accounts')
  assert.ok(items.some((x) => x.Id === login.account) && pages > 1)
})
await check('iam: waiters and pages', async () => {
  for (const UserName of ['js-a', 'js-b', 'js-c']) {
    await i.createUser({ UserName, Path: '/js/' })
    await iam.waitUntilUserExists({ client: i, maxWaitTime: 10 }, { UserName })
  }
  const { items, pages } = await all(iam.paginateListUsers({ client: i, pageSize: 1 }, { PathPrefix: '/js/' }), 'Users')
  assert.deepEqual([items.map((u) => u.UserName), pages], [['js-a', 'js-b', 'js-c'], 3])
  await refused(i.getUser({ UserName: 'nobody' }), iam.NoSuchEntityException, /nobody/)
})
await check('cloudformation: waiters', async () => {
  const TemplateBody = JSON.stringify({ Resources: { G: { Type: 'AWS::IAM::Group', Properties: { GroupName: 'js' } } } })
  const { StackId } = await c.createStack({ StackName: 'js', TemplateBody, Capabilities: ['CAPABILITY_NAMED_IAM'] })
  await cloudformation.waitUntilStackCreateComplete({ client: c, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { StackName: 'js' })
  await c.deleteStack({ StackName: 'js' })
  await cloudformation.waitUntilStackDeleteComplete({ client: c, maxWaitTime: 20, minDelay: 1, maxDelay: 1 }, { StackName: StackId })
})

await check('credential providers: fromTemporaryCredentials', async () => {
  const there = new sts.STS({ ...options, credentials: fromTemporaryCredentials({ params: { RoleArn: `arn:aws:iam::${login.account}:role/OrganizationAccountAccessRole`, RoleSessionName: 'js' }, clientConfig: options }) })
  assert.equal((await there.getCallerIdentity({})).Arn, `arn:aws:sts::${login.account}:assumed-role/OrganizationAccountAccessRole/js`)
})
await check('sso: accounts, roles and credentials with a token', async () => {
  const { accessToken } = login
  const { items } = await all(portal.paginateListAccounts({ client: web, pageSize: 1 }, { accessToken }), 'accountList')
  assert.ok(items.some((x) => x.accountId === login.account))
  const { items: roles } = await all(portal.paginateListAccountRoles({ client: web, pageSize: 1 }, { accessToken, accountId: login.account }), 'roleList')
  assert.ok(roles.some((x) => x.roleName === login.role))
  const { roleCredentials } = await web.getRoleCredentials({ accessToken, accountId: login.account, roleName: login.role })
  assert.ok(roleCredentials.expiration > Date.now())
  await refused(web.listAccounts({ accessToken: 'wrong' }), portal.UnauthorizedException, /./)
})
await check('credential providers: fromSSO, with a token that is refreshed', async () => {
  process.env.HOME = mkdtempSync(join(tmpdir(), 'js-'))
  const cache = join(process.env.HOME, '.aws', 'sso', 'cache')
  mkdirSync(cache, { recursive: true })
  const file = join(cache, createHash('sha1').update('person').digest('hex') + '.json')
  writeFileSync(file, JSON.stringify({ ...login, startUrl, region, expiresAt: new Date(Date.now() - 60_000).toISOString(), registrationExpiresAt: new Date(Date.now() + 86400_000).toISOString() }))
  const config = join(process.env.HOME, 'config')
  writeFileSync(config, `[profile person]\nsso_session = person\nsso_account_id = ${login.account}\nsso_role_name = ${login.role}\nregion = ${region}\n\n[sso-session person]\nsso_start_url = ${startUrl}\nsso_region = ${region}\nsso_registration_scopes = sso:account:access\n`)
  const credentials = fromSSO({ profile: 'person', configFilepath: config, clientConfig: options })
  const who = await new sts.STS({ ...options, credentials }).getCallerIdentity({})
  assert.match(who.Arn, new RegExp(`^arn:aws:sts::${login.account}:assumed-role/AWSReservedSSO_${login.role}_[0-9a-f]{16}/${login.person}$`))
  assert.notEqual(JSON.parse(readFileSync(file, 'utf8')).accessToken, login.accessToken)
})
await check('sso-oidc: registration and its errors', async () => {
  const client = await tokens.registerClient({ clientName: 'js', clientType: 'public' })
  assert.ok(client.clientSecretExpiresAt > Date.now() / 1000)
  const started = await tokens.startDeviceAuthorization({ clientId: client.clientId, clientSecret: client.clientSecret, startUrl })
  await refused(tokens.createToken({ clientId: client.clientId, clientSecret: client.clientSecret, grantType: 'urn:ietf:params:oauth:grant-type:device_code', deviceCode: started.deviceCode }), oidc.AuthorizationPendingException, /./)
})
console.log(`${passed} checks`)
