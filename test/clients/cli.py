"""The AWS CLI v2 of the system against a running Gatehouse: every operation of sso-admin and identitystore that it knows, with what it must
answer, and botocore's paginators and waiters, which the CLI brings along. The CLI's own entry point is called in this process, because starting it a
hundred times would take a minute. It knows the server by `gatehouse env`, and a member account by its argument."""
import contextlib, io, json, os, sys, time

from awscli.clidriver import create_clidriver

URL, INSTANCE, STORE = os.environ["GATEHOUSE_URL"], os.environ["GATEHOUSE_INSTANCE_ARN"], os.environ["GATEHOUSE_IDENTITY_STORE_ID"]
account = sys.argv[1]
called, failed, passed = set(), 0, 0


def run(*args):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = create_clidriver().main(["--endpoint-url", URL, "--output", "json", *args])
    called.add((args[0], args[1]))
    return code, out.getvalue(), err.getvalue()


def aws(*args):
    """Runs a command that must succeed and returns its answer."""
    code, out, err = run(*args)
    if code != 0:
        raise AssertionError(f"aws {' '.join(args)}: {err.strip()}")
    return json.loads(out) if out.strip() else {}


def refused(code, *args):
    status, out, err = run(*args)
    check(f"{args[1]} is refused with {code}", status != 0 and f"({code})" in err, f"{status} {out} {err}")


def check(name, good, detail=""):
    global failed, passed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAIL {name}: {detail}")


def same(name, got, want):
    check(name, got == want, f"got {got!r}, want {want!r}")


def admin(operation, *args):
    return aws("sso-admin", operation, "--instance-arn", INSTANCE, *args)


def people(operation, *args):
    return aws("identitystore", operation, "--identity-store-id", STORE, *args)


def finished(describe, member, option, request):
    for _ in range(200):
        s = admin(describe, option, request)[member]
        if s["Status"] != "IN_PROGRESS":
            return s["Status"]
        time.sleep(0.1)
    return "IN_PROGRESS"


def identities():
    user = people("create-user", "--user-name", "cli", "--display-name", "C L I", "--name", "GivenName=C,FamilyName=LI", "--emails", "Value=cli@example.com,Primary=true")["UserId"]
    group = people("create-group", "--display-name", "CLI", "--description", "d")["GroupId"]
    other = people("create-group", "--display-name", "CLI 2")["GroupId"]
    same("describe-user", people("describe-user", "--user-id", user)["Emails"], [{"Value": "cli@example.com", "Primary": True}])
    same("describe-group", people("describe-group", "--group-id", group)["Description"], "d")
    same("update-user", people("update-user", "--user-id", user, "--operations", '[{"AttributePath":"title","AttributeValue":"T"}]').get("UserId", user), user)
    people("update-group", "--group-id", group, "--operations", '[{"AttributePath":"description","AttributeValue":"e"}]')
    same("the title", people("describe-user", "--user-id", user)["Title"], "T")
    unique = lambda path, value: json.dumps({"UniqueAttribute": {"AttributePath": path, "AttributeValue": value}})
    same("get-user-id", people("get-user-id", "--alternate-identifier", unique("userName", "cli"))["UserId"], user)
    same("get-group-id", people("get-group-id", "--alternate-identifier", unique("displayName", "CLI"))["GroupId"], group)
    membership = people("create-group-membership", "--group-id", group, "--member-id", f"UserId={user}")["MembershipId"]
    same("describe-group-membership", people("describe-group-membership", "--membership-id", membership)["GroupId"], group)
    same("get-group-membership-id", people("get-group-membership-id", "--group-id", group, "--member-id", f"UserId={user}")["MembershipId"], membership)
    same("is-member-in-groups", [r["MembershipExists"] for r in people("is-member-in-groups", "--member-id", f"UserId={user}", "--group-ids", group, other)["Results"]], [True, False])
    same("list-group-memberships", [m["MembershipId"] for m in people("list-group-memberships", "--group-id", group)["GroupMemberships"]], [membership])
    same("list-group-memberships-for-member", [m["GroupId"] for m in people("list-group-memberships-for-member", "--member-id", f"UserId={user}")["GroupMemberships"]], [group])
    every = [u["UserId"] for u in people("list-users", "--page-size", "25")["Users"]]
    check("list-users walks all pages by itself", user in every and len(every) == len(set(every)) > 25, f"{len(every)} users")
    one = people("list-users", "--no-paginate", "--max-results", "5")
    check("and one with --no-paginate", len(one["Users"]) == 5 and one["NextToken"], one.keys())
    same("--query and --max-items", people("list-groups", "--max-items", "2", "--query", "length(Groups)"), 2)
    refused("ResourceNotFoundException", "identitystore", "describe-user", "--identity-store-id", STORE, "--user-id", "00000000-0000-4000-8000-000000000000")
    refused("ConflictException", "identitystore", "create-group", "--identity-store-id", STORE, "--display-name", "CLI")
    people("delete-group-membership", "--membership-id", membership)
    people("delete-group", "--group-id", other)
    gone = people("create-user", "--user-name", "cli-gone", "--display-name", "G", "--name", "GivenName=G,FamilyName=G")["UserId"]
    people("delete-user", "--user-id", gone)
    return user, group


def sets(user, group):
    ps = admin("create-permission-set", "--name", "CLI", "--description", "first", "--session-duration", "PT2H", "--tags", "Key=team,Value=a")["PermissionSet"]["PermissionSetArn"]
    on = lambda operation, *args: admin(operation, "--permission-set-arn", ps, *args)
    on("update-permission-set", "--description", "second", "--session-duration", "PT90M")
    described = on("describe-permission-set")["PermissionSet"]
    same("describe-permission-set", (described["Description"], described["SessionDuration"], "RelayState" in described), ("second", "PT90M", False))
    check("list-permission-sets", ps in admin("list-permission-sets", "--page-size", "1")["PermissionSets"])
    read = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
    on("attach-managed-policy-to-permission-set", "--managed-policy-arn", read)
    same("list-managed-policies-in-permission-set", on("list-managed-policies-in-permission-set")["AttachedManagedPolicies"], [{"Name": "IAMReadOnlyAccess", "Arn": read}])
    policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}]}'
    on("put-inline-policy-to-permission-set", "--inline-policy", policy)
    same("get-inline-policy-for-permission-set", on("get-inline-policy-for-permission-set")["InlinePolicy"], policy)
    on("put-permissions-boundary-to-permission-set", "--permissions-boundary", f"ManagedPolicyArn={read}")
    same("get-permissions-boundary-for-permission-set", on("get-permissions-boundary-for-permission-set")["PermissionsBoundary"], {"ManagedPolicyArn": read})
    aws("sso-admin", "tag-resource", "--instance-arn", INSTANCE, "--resource-arn", ps, "--tags", "Key=cost,Value=1")
    aws("sso-admin", "untag-resource", "--instance-arn", INSTANCE, "--resource-arn", ps, "--tag-keys", "team")
    same("list-tags-for-resource", aws("sso-admin", "list-tags-for-resource", "--instance-arn", INSTANCE, "--resource-arn", ps)["Tags"], [{"Key": "cost", "Value": "1"}])
    to = ["--target-type", "AWS_ACCOUNT", "--target-id", account, "--principal-type", "GROUP", "--principal-id", group]
    made = on("create-account-assignment", *to)["AccountAssignmentCreationStatus"]["RequestId"]
    same("create-account-assignment", finished("describe-account-assignment-creation-status", "AccountAssignmentCreationStatus", "--account-assignment-creation-request-id", made), "SUCCEEDED")
    check("list-account-assignment-creation-status", made in [s["RequestId"] for s in admin("list-account-assignment-creation-status", "--filter", "Status=SUCCEEDED")["AccountAssignmentsCreationStatus"]])
    same("list-account-assignments", [x["PrincipalId"] for x in on("list-account-assignments", "--account-id", account)["AccountAssignments"]], [group])
    again = on("provision-permission-set", "--target-type", "ALL_PROVISIONED_ACCOUNTS")["PermissionSetProvisioningStatus"]["RequestId"]
    same("provision-permission-set", finished("describe-permission-set-provisioning-status", "PermissionSetProvisioningStatus", "--provision-permission-set-request-id", again), "SUCCEEDED")
    check("list-permission-set-provisioning-status", again in [s["RequestId"] for s in admin("list-permission-set-provisioning-status")["PermissionSetsProvisioningStatus"]])
    same("list-accounts-for-provisioned-permission-set", on("list-accounts-for-provisioned-permission-set")["AccountIds"], [account])
    check("list-permission-sets-provisioned-to-account", ps in admin("list-permission-sets-provisioned-to-account", "--account-id", account)["PermissionSets"])
    on("attach-customer-managed-policy-reference-to-permission-set", "--customer-managed-policy-reference", "Name=Local,Path=/team/")
    same("list-customer-managed-policy-references-in-permission-set", on("list-customer-managed-policy-references-in-permission-set")["CustomerManagedPolicyReferences"], [{"Name": "Local", "Path": "/team/"}])
    on("detach-customer-managed-policy-reference-from-permission-set", "--customer-managed-policy-reference", "Name=Local,Path=/team/")
    refused("ConflictException", "sso-admin", "delete-permission-set", "--instance-arn", INSTANCE, "--permission-set-arn", ps)
    ended = on("delete-account-assignment", *to)["AccountAssignmentDeletionStatus"]["RequestId"]
    same("delete-account-assignment", finished("describe-account-assignment-deletion-status", "AccountAssignmentDeletionStatus", "--account-assignment-deletion-request-id", ended), "SUCCEEDED")
    check("list-account-assignment-deletion-status", ended in [s["RequestId"] for s in admin("list-account-assignment-deletion-status")["AccountAssignmentsDeletionStatus"]])
    on("detach-managed-policy-from-permission-set", "--managed-policy-arn", read)
    on("delete-inline-policy-from-permission-set")
    on("delete-permissions-boundary-from-permission-set")
    refused("ResourceNotFoundException", "sso-admin", "get-permissions-boundary-for-permission-set", "--instance-arn", INSTANCE, "--permission-set-arn", ps)
    on("delete-permission-set")


def instance():
    found = aws("sso-admin", "list-instances")["Instances"]
    same("list-instances", [(x["InstanceArn"], x["IdentityStoreId"]) for x in found], [(INSTANCE, STORE)])
    config = lambda path: json.dumps({"AccessControlAttributes": [{"Key": "k", "Value": {"Source": [path]}}]})
    admin("create-instance-access-control-attribute-configuration", "--instance-access-control-attribute-configuration", config("${path:title}"))
    admin("update-instance-access-control-attribute-configuration", "--instance-access-control-attribute-configuration", config("${path:userType}"))
    got = admin("describe-instance-access-control-attribute-configuration")
    same("describe-instance-access-control-attribute-configuration", got["InstanceAccessControlAttributeConfiguration"]["AccessControlAttributes"][0]["Value"]["Source"], ["${path:userType}"])
    admin("delete-instance-access-control-attribute-configuration")


def botocore():
    session = create_clidriver().session
    make = lambda service: session.create_client(service, region_name=os.environ["AWS_REGION"], endpoint_url=URL)
    pages = list(make("iam").get_paginator("list_policies").paginate(Scope="AWS", PaginationConfig={"PageSize": 10}))
    names = [x["PolicyName"] for page in pages for x in page["Policies"]]
    check("botocore's paginator", len(pages) > 1 and len(names) == len(set(names)), names)
    iam = make("iam")
    iam.create_user(UserName="cli-waited")
    iam.get_waiter("user_exists").wait(UserName="cli-waited", WaiterConfig={"Delay": 1, "MaxAttempts": 3})
    stacks = make("cloudformation")
    stacks.create_stack(StackName="cli", TemplateBody='{"Resources":{"G":{"Type":"AWS::IAM::Group"}}}', Capabilities=["CAPABILITY_IAM"])
    stacks.get_waiter("stack_create_complete").wait(StackName="cli", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    stacks.delete_stack(StackName="cli")
    stacks.get_waiter("stack_delete_complete").wait(StackName="cli", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    # Every operation that this CLI knows was called.
    for service in ("sso-admin", "identitystore"):
        known = {xform(o) for o in session.get_service_model(service).operation_names}
        left = known - {o for s, o in called if s == service}
        check(f"every operation of {service} that the CLI knows is called", not left and len(known) > 10, sorted(left))
        print(f"{service}: {len(known)} operations")


def xform(name):
    from awscli.botocore import xform_name
    return xform_name(name, "-")


user, group = identities()
sets(user, group)
instance()
botocore()
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
