// An identity provider on samlify, driven by one line of JSON per request on standard input.
//
// usage: idp.mjs DIRECTORY BASE_URL    (DIRECTORY holds sp.xml, idp.pem and idp.crt)
//
// The first line of output is its metadata. A line {"query": the query our service provider sent, "name": NameID, "sign": "assertion" | "message" |
// "both", "demand": whether the request must be signed} is answered with {"response": base64, "acs": URL}; {"logout": NameID, "index": SessionIndex} with
// {"url": where a browser goes with the signed logout request}; {"answer": the query of our logout response} with {"to": InResponseTo}. What
// samlify refuses is {"error": text}.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import samlify from 'samlify';

const [directory, base] = process.argv.slice(2);
const read = (name) => readFileSync(`${directory}/${name}`, 'utf8');
// samlify leaves the schema to others; what is tried here is its XML, its signatures and its rules.
samlify.setSchemaValidator({ validate: () => Promise.resolve('not looked at') });

const email = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress';
const id = () => '_' + randomBytes(16).toString('hex');
const template = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{ID}" Version="2.0" IssueInstant="{IssueInstant}" Destination="{Destination}" InResponseTo="{InResponseTo}"><saml:Issuer>{Issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema" ID="{AssertionID}" Version="2.0" IssueInstant="{IssueInstant}"><saml:Issuer>{Issuer}</saml:Issuer><saml:Subject><saml:NameID Format="${email}">{NameID}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{NotOnOrAfter}" Recipient="{Destination}" InResponseTo="{InResponseTo}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{IssueInstant}" NotOnOrAfter="{NotOnOrAfter}"><saml:AudienceRestriction><saml:Audience>{Audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{IssueInstant}" SessionIndex="{SessionIndex}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="mail" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"><saml:AttributeValue xsi:type="xs:string">{NameID}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>`;

function provider(demand) {
  return samlify.IdentityProvider({
    entityID: `${base}/samlify`,
    signingCert: read('idp.crt'),
    privateKey: read('idp.pem'),
    wantAuthnRequestsSigned: demand,
    isAssertionEncrypted: false,
    messageSigningOrder: 'sign-then-encrypt',
    nameIDFormat: [email],
    singleSignOnService: [{ Binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', Location: `${base}/sso` }],
    singleLogoutService: [{ Binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', Location: `${base}/slo` }],
    loginResponseTemplate: { context: template, attributes: [] },
    wantLogoutRequestSigned: true,
    wantLogoutResponseSigned: true,
  });
}

/** The service provider by its metadata; how its answers are to be signed is this end's business. */
function service(sign) {
  return samlify.ServiceProvider({
    metadata: read('sp.xml'),
    wantMessageSigned: sign !== 'assertion',
    wantAssertionsSigned: sign !== 'message',
    wantLogoutRequestSigned: true,
    wantLogoutResponseSigned: true,
  });
}

/** What a binding by redirect signs: the octets as they were sent, without the signature. */
const redirected = (query) => ({ query: Object.fromEntries(new URLSearchParams(query)), octetString: query.replace(/&Signature=.*$/, '') });

async function answer(ask) {
  const idp = provider(ask.demand === true);
  const sp = service(ask.sign);
  if (ask.logout) {
    const { context } = idp.createLogoutRequest(sp, 'redirect', { logoutNameID: ask.logout, sessionIndex: ask.index }, 'state', (xml) => {
      const message = id();
      const values = { ID: message, Issuer: `${base}/samlify`, IssueInstant: new Date().toISOString(), Destination: sp.entityMeta.getSingleLogoutService('redirect'), NameID: ask.logout, NameIDFormat: email, EntityID: `${base}/samlify`, SessionIndex: ask.index };
      return { id: message, context: samlify.SamlLib.replaceTagsByValue(xml, values) };
    });
    return { url: context };
  }
  if (ask.answer) {
    const { extract } = await idp.parseLogoutResponse(sp, 'redirect', redirected(ask.answer));
    return { to: extract.response.inResponseTo };
  }
  const { extract } = await idp.parseLoginRequest(sp, 'redirect', redirected(ask.query));
  const acs = sp.entityMeta.getAssertionConsumerService('post');
  const { context } = await idp.createLoginResponse(sp, { extract }, 'post', { email: ask.name }, (xml) => {
    const now = new Date();
    const message = id();
    const values = {
      ID: message, AssertionID: id(), Destination: acs, Audience: sp.entityMeta.getEntityID(), Issuer: `${base}/samlify`, IssueInstant: now.toISOString(), NotOnOrAfter: new Date(now.getTime() + 300_000).toISOString(),
      InResponseTo: extract.request.id, NameID: ask.name, SessionIndex: 'session-1',
    };
    return { id: message, context: samlify.SamlLib.replaceTagsByValue(xml, values) };
  });
  return { response: context, acs };
}

console.log(JSON.stringify({ metadata: provider(false).getMetadata() }));
for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify(await answer(JSON.parse(line))));
  } catch (cause) {
    console.log(JSON.stringify({ error: String(cause?.stack ?? cause) }));
  }
}
