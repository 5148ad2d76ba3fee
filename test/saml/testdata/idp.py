"""An identity provider on pysaml2, driven by one line of JSON per request on standard input.

usage: idp.py DIRECTORY BASE_URL    (DIRECTORY holds sp.xml, idp.pem and idp.crt)

The first line of output is its metadata; every request {"request": SAMLRequest or "", "name": NameID, "sign": "assertion" |
"response" | "both" | "none", "digest": "sha256" | …} is answered with {"response": base64, "acs": URL} or {"error": text}.
"""

import base64
import json
import os
import sys

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.metadata import create_metadata_string
from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID
from saml2.server import Server

ALGORITHMS = "http://www.w3.org/2001/04/xmldsig-more#rsa-"
DIGESTS = {
    "sha1": "http://www.w3.org/2000/09/xmldsig#sha1",
    "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
}


def main():
    directory, base = sys.argv[1], sys.argv[2]
    config = IdPConfig().load({
        "entityid": base + "/pysaml2",
        "key_file": os.path.join(directory, "idp.pem"),
        "cert_file": os.path.join(directory, "idp.crt"),
        "metadata": {"local": [os.path.join(directory, "sp.xml")]},
        "xmlsec_binary": "/usr/bin/xmlsec1",
        "service": {"idp": {
            "endpoints": {"single_sign_on_service": [(base + "/sso", BINDING_HTTP_REDIRECT), (base + "/sso", BINDING_HTTP_POST)]},
            "name_id_format": [NAMEID_FORMAT_EMAILADDRESS],
            "policy": {"default": {"lifetime": {"minutes": 15}, "attribute_restrictions": None, "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"}},
        }},
    })
    server = Server(config=config)
    metadata = create_metadata_string(None, config=config, sign=False)
    print(json.dumps({"metadata": metadata.decode() if isinstance(metadata, bytes) else metadata}), flush=True)
    (sp,) = server.metadata.service_providers()
    for line in sys.stdin:
        print(json.dumps(answer(server, sp, json.loads(line))), flush=True)


def answer(server, sp, ask):
    try:
        if ask["request"]:
            request = server.parse_authn_request(ask["request"], BINDING_HTTP_REDIRECT)
            args = server.response_args(request.message)
            to, acs, entity = args["in_response_to"], args["destination"], args["sp_entity_id"]
        else:
            to, entity = None, sp
            acs = server.metadata.assertion_consumer_service(sp, BINDING_HTTP_POST)[0]["location"]
        digest = ask["digest"]
        signed = {
            "sign_assertion": ask["sign"] in ("assertion", "both"),
            "sign_response": ask["sign"] in ("response", "both"),
            "sign_alg": "http://www.w3.org/2000/09/xmldsig#rsa-sha1" if digest == "sha1" else ALGORITHMS + digest,
            "digest_alg": DIGESTS[digest],
        }
        response = server.create_authn_response(
            {"mail": [ask["name"]], "givenName": ["Anna"], "sn": ["Müller & Søn <x>"]}, to, acs, entity,
            name_id=NameID(format=NAMEID_FORMAT_EMAILADDRESS, text=ask["name"]),
            authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "authn_auth": server.config.entityid},
            **signed)
        return {"response": base64.b64encode(str(response).encode()).decode(), "acs": acs}
    except Exception as e:  # the test shows it
        return {"error": "%s: %s" % (type(e).__name__, e)}


main()
