# Sourced by the scripts in test/scripts: starts a demo or a server in a directory of its own and ends it again. Bash, with
# curl, jq and Debian's awscli. Everything it makes is below $work, which is removed at the end.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
gatehouse=$here/bin/gatehouse
out=$here/test/out
mkdir -p "$out"
work=$(mktemp -d)
pids=()
passed=0 failed=0

finish() {
  local code=$?
  for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done
  for p in "${pids[@]}"; do wait "$p" 2>/dev/null || true; done
  if [ "$code" != 0 ] || [ "$failed" != 0 ]; then
    for f in "$work"/*.log; do [ -f "$f" ] && { echo "--- $f"; tail -n 40 "$f"; }; done
  fi
  rm -rf "$work"
  echo "$passed passed, $failed failed"
  [ "$code" = 0 ] && [ "$failed" = 0 ] || exit 1
}
trap finish EXIT

# ok NAME COMMAND…  the command succeeds.   no NAME COMMAND…  it fails.
ok() { local n=$1; shift; if "$@" >"$work/last" 2>&1; then passed=$((passed + 1)); echo "ok   $n"; else failed=$((failed + 1)); echo "FAIL $n"; sed 's/^/     /' "$work/last" | tail -n 15; fi; }
no() { local n=$1; shift; if "$@" >"$work/last" 2>&1; then failed=$((failed + 1)); echo "FAIL $n (it succeeded)"; sed 's/^/     /' "$work/last" | tail -n 5; else passed=$((passed + 1)); echo "ok   $n"; fi; }
# same NAME GOT WANT   like NAME GOT PATTERN
same() { if [ "$2" = "$3" ]; then passed=$((passed + 1)); echo "ok   $1"; else failed=$((failed + 1)); echo "FAIL $1: got «$2», want «$3»"; fi; }
like() { if [[ $2 =~ $3 ]]; then passed=$((passed + 1)); echo "ok   $1"; else failed=$((failed + 1)); echo "FAIL $1: got «$2», want a match of $3"; fi; }
# said NAME TEXT  the last command's output has the text
said() { if grep -qF -- "$2" "$work/last"; then passed=$((passed + 1)); echo "ok   $1"; else failed=$((failed + 1)); echo "FAIL $1: «$2» was not said, but:"; sed 's/^/     /' "$work/last" | tail -n 5; fi; }

# The AWS CLI must be version 2; a version 1 may stand before it in the path.
mkdir -p "$work/bin"
for c in $(type -ap aws); do
  if "$c" --version 2>&1 | grep -q '^aws-cli/2'; then ln -s "$c" "$work/bin/aws"; break; fi
done
[ -e "$work/bin/aws" ] || { echo "AWS CLI v2 is not installed (Debian: awscli)"; exit 1; }
PATH=$work/bin:$PATH

free_port() { /usr/bin/python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }

# until_true SECONDS COMMAND…
until_true() { local end=$((SECONDS + $1)); shift; until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; sleep 0.2; done; }

# No configuration of the person who runs this is used or touched.
export HOME=$work/home AWS_CONFIG_FILE=$work/aws-config AWS_SHARED_CREDENTIALS_FILE=$work/aws-credentials AWS_PAGER="" AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CA_BUNDLE 2>/dev/null || true
mkdir -p "$HOME"

start_demo() {
  port=$(free_port) tport=$(free_port) data=$work/data
  "$gatehouse" demo --listen "127.0.0.1:$port" --tenant-listen "127.0.0.1:$tport" --data "$data" >"$work/demo.log" 2>&1 &
  pids+=($!)
  demo_pid=$!
  until_true 60 grep -q 'demo is up' "$work/demo.log" || { echo "the demo did not come up"; exit 1; }
  eval "$("$gatehouse" env --data "$data")"
}

# sign_in FILE ACCOUNT  makes a permission set Person, gives it to the demo's person in the account, signs her in on a command line, and writes
# her tokens to the file.
sign_in() {
  local set user request
  set=$(a sso-admin create-permission-set --instance-arn "$GATEHOUSE_INSTANCE_ARN" --name Person --query PermissionSet.PermissionSetArn --output text)
  user=$(a identitystore get-user-id --identity-store-id "$GATEHOUSE_IDENTITY_STORE_ID" --alternate-identifier "{\"UniqueAttribute\":{\"AttributePath\":\"userName\",\"AttributeValue\":\"$GATEHOUSE_DEMO_USER\"}}" --query UserId --output text)
  request=$(a sso-admin create-account-assignment --instance-arn "$GATEHOUSE_INSTANCE_ARN" --permission-set-arn "$set" --target-type AWS_ACCOUNT --target-id "$2" --principal-type USER --principal-id "$user" --query AccountAssignmentCreationStatus.RequestId --output text)
  given() { [ "$(a sso-admin describe-account-assignment-creation-status --instance-arn "$GATEHOUSE_INSTANCE_ARN" --account-assignment-creation-request-id "$request" --query AccountAssignmentCreationStatus.Status --output text)" = SUCCEEDED ]; }
  until_true 20 given
  node "$here/test/clients/login.mjs" "$1" "$2" Person
}

# a AWS CLI of any version against the server; Debian's 2.9.19 knows no AWS_ENDPOINT_URL.
a() { aws --endpoint-url "$GATEHOUSE_URL" "$@"; }
# deploy_stack OPTION…  aws cloudformation deploy. The CLI names a change set after the second it is in, so no two are made in the same one.
deploy_stack() {
  local code=0
  while [ "$(cat "$work/deployed" 2>/dev/null)" = "$EPOCHSECONDS" ]; do sleep 0.05; done
  a cloudformation deploy "$@" || code=$?
  echo "$EPOCHSECONDS" >"$work/deployed"
  return $code
}
tenant() { local method=$1 path=$2; shift 2; curl -fsS -X "$method" -H "Authorization: Bearer $GATEHOUSE_TENANT_TOKEN" -H 'Content-Type: application/json' "$GATEHOUSE_TENANT_URL$path" "$@"; }

# as_account ID COMMAND…  runs a command with a session of OrganizationAccountAccessRole in the account.
as_account() {
  local c; c=$(a sts assume-role --role-arn "arn:aws:iam::$1:role/OrganizationAccountAccessRole" --role-session-name test --query Credentials --output json); shift
  AWS_ACCESS_KEY_ID=$(jq -r .AccessKeyId <<<"$c") AWS_SECRET_ACCESS_KEY=$(jq -r .SecretAccessKey <<<"$c") AWS_SESSION_TOKEN=$(jq -r .SessionToken <<<"$c") "$@"
}

# rule_sets makes Debian's AWS CLI send `aws sso login` and what follows to the server: it obeys endpoint rule sets.
rule_sets() {
  local s v
  for s in sso/2019-06-10 sso-oidc/2019-06-10 sts/2011-06-15; do
    mkdir -p "$work/models/$s"
    v='{"version":"1.0","parameters":{"Region":{"type":"String","builtIn":"AWS::Region","required":false,"documentation":""},"UseDualStack":{"type":"Boolean","builtIn":"AWS::UseDualStack","required":false,"default":false,"documentation":""},"UseFIPS":{"type":"Boolean","builtIn":"AWS::UseFIPS","required":false,"default":false,"documentation":""},"Endpoint":{"type":"String","builtIn":"SDK::Endpoint","required":false,"documentation":""},"UseGlobalEndpoint":{"type":"Boolean","builtIn":"AWS::STS::UseGlobalEndpoint","required":false,"default":false,"documentation":""}},"rules":[{"conditions":[],"endpoint":{"url":"'$GATEHOUSE_URL'","properties":{},"headers":{}},"type":"endpoint"}]}'
    printf '%s' "$v" >"$work/models/$s/endpoint-rule-set-1.json"
  done
  export AWS_DATA_PATH=$work/models
}
