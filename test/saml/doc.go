// Package samlclients holds tests that sign people in through the SAML door with identity providers that are not ours:
// SimpleSAMLphp, pysaml2 and samlify, because an identity provider of our own proves only itself; and with Chromium as the
// browser, because only a real one shows which cookies it sends with a cross-site POST. samlify also verifies our signed requests and goes
// through single logout; node-saml reads the responses of the emulated tenant.
//
// Each runs against the door in this process and, where bin/gatehouse has been built, against `gatehouse serve`. What is not
// installed is skipped with the name of the Debian package: simplesamlphp with php-cli, python3-pysaml2 with xmlsec1,
// chromium; or of the directory in which `npm ci` installs it: node. Everything listens on the loopback interface and ends with the test.
package samlclients
