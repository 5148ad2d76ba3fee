// A service provider on node-saml, driven by one line of JSON per response on standard input.
//
// A line {"response": base64, "certificate": PEM, "acs": URL, "entity": entity ID, "issuer": the provider's, "assertion": whether the assertion must be
// signed, "message": whether the response must be} is answered with {"profile": what node-saml read} or {"error": text}.

import { createInterface } from 'node:readline';
import { SAML } from '@node-saml/node-saml';

for await (const line of createInterface({ input: process.stdin })) {
  const ask = JSON.parse(line);
  try {
    const saml = new SAML({
      callbackUrl: ask.acs,
      issuer: ask.entity,
      audience: ask.entity,
      idpCert: ask.certificate,
      idpIssuer: ask.issuer,
      wantAssertionsSigned: ask.assertion,
      wantAuthnResponseSigned: ask.message,
      acceptedClockSkewMs: 0,
      validateInResponseTo: 'never',
    });
    const { profile } = await saml.validatePostResponseAsync({ SAMLResponse: ask.response });
    const { getAssertionXml, getAssertion, getSamlResponseXml, ...said } = profile;
    console.log(JSON.stringify({ profile: said }));
  } catch (cause) {
    console.log(JSON.stringify({ error: String(cause) }));
  }
}
