// Signs the demo's person in as a browser would, through the emulated tenant's forms, approves a device sign-in, and writes what `aws sso login`
// keeps to the file that is named: node login.mjs FILE ACCOUNT ROLE. It needs nothing but what `gatehouse env` of a demo exports.
import { writeFileSync } from 'node:fs'

const { GATEHOUSE_URL: url, GATEHOUSE_START_URL: startUrl, GATEHOUSE_DEMO_USER: user, GATEHOUSE_DEMO_PASSWORD: password } = process.env
const [file, account, role] = process.argv.slice(2)
const jar = new Map() // by origin: name → value

async function go(to, form) {
  for (let hops = 0; hops < 10; hops++) {
    const at = new URL(to)
    const cookies = [...(jar.get(at.origin) ?? new Map())].map(([k, v]) => `${k}=${v}`).join('; ')
    const res = await fetch(at, {
      method: form ? 'POST' : 'GET', redirect: 'manual', headers: { cookie: cookies, ...(form && { 'content-type': 'application/x-www-form-urlencoded' }) },
      body: form && new URLSearchParams(form).toString(),
    })
    const kept = jar.get(at.origin) ?? new Map()
    jar.set(at.origin, kept)
    for (const line of res.headers.getSetCookie()) {
      const [pair] = line.split(';')
      kept.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
    }
    if (res.status < 300 || res.status >= 400) return { at, status: res.status, text: await res.text() }
    to = new URL(res.headers.get('location'), at).href
    form = undefined
  }
  throw new Error(`too many redirects at ${to}`)
}

const unescape = (s) => s.replace(/&#(\d+);/g, (_, n) => String.fromCharCode(n)).replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&#34;', '"').replaceAll('&quot;', '"').replaceAll('&amp;', '&')

// form reads the one form of a page.
function form(page) {
  const action = page.text.match(/<form method="post" action="([^"]*)"/)
  if (!action) throw new Error(`no form at ${page.at} (HTTP ${page.status}): ${page.text.slice(0, 500)}`)
  const fields = Object.fromEntries([...page.text.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map((m) => [unescape(m[1]), unescape(m[2])]))
  return { action: new URL(unescape(action[1]), page.at).href, fields }
}

async function call(path, body) {
  const res = await fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const out = await res.json()
  if (!res.ok) throw new Error(`${path}: HTTP ${res.status} ${JSON.stringify(out)}`)
  return out
}

const client = await call('/client/register', { clientName: 'clients', clientType: 'public', scopes: ['sso:account:access'], grantTypes: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'] })
const credentials = { clientId: client.clientId, clientSecret: client.clientSecret }
const device = await call('/device_authorization', { ...credentials, startUrl })

let page = await go(device.verificationUriComplete)
for (let step = 0; step < 8 && !page.text.includes('signed in on the command line'); step++) {
  const way = page.text.match(/<a class="button primary" href="([^"]*)">Continue with/)
  if (way) {
    page = await go(new URL(unescape(way[1]), page.at).href)
    continue
  }
  const { action, fields } = form(page)
  if ('flow' in fields) Object.assign(fields, { loginfmt: user, passwd: password })
  if (new URL(action).pathname.startsWith('/device')) fields.decision = 'allow'
  page = await go(action, fields)
}
const token = await call('/token', { ...credentials, grantType: 'urn:ietf:params:oauth:grant-type:device_code', deviceCode: device.deviceCode })
writeFileSync(file, JSON.stringify({ ...token, ...credentials, account, role, person: user }))
