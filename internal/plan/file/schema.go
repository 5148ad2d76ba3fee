package file

import "regexp"

// The shapes of the files. Whoever changes something here changes what is checked, the JSON Schema and the reference at once.

func record(name, doc string, fields ...field) *shape {
	return &shape{kind: isRecord, name: name, doc: doc, fields: fields}
}

func optional(name string, s *shape, doc string) field { return field{name: name, shape: s, doc: doc} }

func needed(name string, s *shape, doc string) field {
	return field{name: name, shape: s, doc: doc, required: true}
}

func tableOf(keys, of *shape) *shape { return &shape{kind: isTable, keys: keys, of: of} }
func listOf(of *shape) *shape        { return &shape{kind: isList, of: of} }
func someOf(of *shape) *shape        { return &shape{kind: isList, of: of, min: 1} }
func choice(options ...*shape) *shape {
	return &shape{kind: isChoice, options: options}
}
func word(words ...string) *shape { return &shape{words: words, example: words[0]} }

func matching(doc, pattern, says string, min, max int, example string) *shape {
	return &shape{doc: doc, pattern: regexp.MustCompile(pattern), says: says, min: min, max: max, example: example}
}

var (
	anything = &shape{kind: isAny}
	yesNo    = &shape{kind: isFlag, example: "true"}
	duration = &shape{kind: isDuration, example: "4h"}

	setName     = matching("the name of a permission set", `^[\w+=,.@-]+$`, "letters, digits and any of + = , . @ - _ are possible", 1, 32, "ReadOnly")
	groupName   = matching("the name of a group", `^[^\x00-\x1f\x7f]+$`, "control characters are not possible", 1, 1024, "Data Engineers")
	userName    = matching("a user name or an e-mail address", `^[^\x00-\x1f\x7f]+$`, "control characters are not possible", 1, 128, "ann@example.com")
	setPattern  = &shape{doc: "the name of a permission set, or a pattern with * and ?", min: 1, max: 64, example: `"Admin*"`}
	namePattern = &shape{doc: "a name, or a pattern with * and ?", min: 1, max: 1024, example: `"Admin*"`}
	description = matching("what it is for", `^[\t\n\r\x20-\x7e\xa1-\x{ff}]*$`, "only Latin letters and signs (U+0020 to U+00FF) are possible there", 1, 700, "Looks, and changes nothing")
	tagKey      = matching("a tag key", `^[\p{L}\p{Z}\p{N}_.:/=+@-]+$`, "letters, digits, spaces and any of _ . : / = + - @ are possible", 1, 128, "team")
	tagValue    = matching("a tag value", `^[\p{L}\p{Z}\p{N}_.:/=+@-]*$`, "letters, digits, spaces and any of _ . : / = + - @ are possible", 0, 256, "platform")
	tags        = &shape{kind: isTable, keys: tagKey, of: tagValue, max: 50, doc: "tags"}
	policyName  = matching("the name of a policy", `^[\w+=,.@-]+$`, "letters, digits and any of + = , . @ - _ are possible", 1, 128, "TeamBoundary")
	policyPath  = matching("the path of a policy", `^/([\x21-\x7e]+/)*$`, "it begins and ends with a slash", 1, 512, "/team/")
	awsPolicy   = matching("the name of an AWS managed policy, with its path if it has one, or its ARN", `^(arn:aws[a-z-]*:iam::aws:policy/)?[\w+=,.@/-]+$`,
		"write its name, such as ReadOnlyAccess or job-function/ViewOnlyAccess, or its ARN", 1, 2048, "ReadOnlyAccess")
	url = matching("an address", `^https?://[\x21-\x7e]+$`, "write an address that begins with https://", 1, 240, "https://console.aws.amazon.com/")

	additive  = word("additive", "exclusive")
	exclusive = word("exclusive", "additive")
)

var customerPolicy = choice(policyName, record("customer policy", "A customer managed policy that every account must have under this name.",
	needed("name", policyName, "Its name."),
	optional("path", policyPath, "Its path; `/` when left out.")))

var boundary = choice(awsPolicy, record("boundary", "A permissions boundary: the most that the role can ever do.",
	optional("aws", awsPolicy, "An AWS managed policy."),
	optional("customer", customerPolicy, "A customer managed policy.")))

var accountSelector = choice(
	&shape{doc: "`all`, `management`, or the name of an account, its 12 digits, or a pattern of names", min: 1, max: 256, example: "all"},
	record("account selector", "Accounts for which everything that is said holds. Instead of the mapping a word may stand: `all` is every active member account, `management` the management account, anything else the name of an account, its id, or a pattern of names with * and ?. Only active accounts are ever chosen, and the management account only by that word, its name or its id. A selector that chooses none is a fault.",
		optional("name", someOf(namePattern), "Name, or pattern of names, of the account."),
		optional("id", someOf(matching("an account id", `^\d{12}$`, "an account id has 12 digits", 12, 12, "111122223333")), "Account ids."),
		optional("ou", someOf(&shape{min: 1, max: 1024, example: "Workloads/Prod"}), "Organizational units by their names from the root on, such as `Workloads/Prod`; `/` is the root."),
		optional("nested", yesNo, "Whether accounts of units below belong to it, too. They do unless `false` is said."),
		optional("tags", tableOf(tagKey, someOf(&shape{max: 256, example: "prod"})), "Tags of the account, each with its values, or patterns of them.")))

var accounts = &shape{kind: isList, of: accountSelector, min: 1, example: "[all]"}

var ruleFields = []field{
	optional("groups", someOf(groupName), "Groups, by their names."),
	optional("users", someOf(userName), "People, by user name or e-mail address. Prefer groups."),
	needed("permission_sets", someOf(setName), "Permission sets, by their names."),
	needed("accounts", accounts, "Accounts in which they get them: those that any selector chooses."),
	optional("except", accounts, "Accounts that are left out again."),
	optional("note", &shape{max: 1000, example: "asked for in TICKET-12"}, "Why, for whoever reads the file; it means nothing else."),
}

var rule = record("assignment", "Gives groups and people permission sets in accounts: each of them each set in each account.", ruleFields...)

var permissionSet = record("permission set", "What somebody may do who picks this role.",
	optional("description", description, "What it is for; people read it when they choose."),
	optional("session", duration, "How long credentials last: from 1h to 12h; 1h when left out."),
	optional("relay_state", url, "Where the console opens."),
	optional("aws_policies", listOf(awsPolicy), "AWS managed policies, by name."),
	optional("customer_policies", listOf(customerPolicy), "Customer managed policies, by name: every account must have them."),
	optional("inline_policy", anything, "A policy document: as YAML or JSON, as JSON in text, or `{file: path}` with a path from this file on. Statements have the elements that IAM knows."),
	optional("boundary", boundary, "The permissions boundary: the name of an AWS managed policy, or `{customer: Name}`."),
	optional("tags", tags, "Tags of the permission set."))

var group = record("group", "A group of the identity store. One that an identity provider pushes is better left to it: naming it in assignments is enough.",
	optional("description", &shape{max: 1024, example: "Who works with data"}, "What it is for."),
	optional("members", listOf(userName), "Who is in it, by user name or e-mail address. When left out, members are not looked at."),
	optional("manage", exclusive, "Whether others are taken out of the group (`exclusive`, the default) or left in it (`additive`)."))

var application = record("application", "An application of the instance.",
	optional("provider", &shape{min: 1, max: 1224, example: "custom"}, "Its application provider: the last part of its ARN, or the ARN. It cannot be changed."),
	optional("description", &shape{max: 128, example: "The wiki"}, "What it is."),
	optional("url", url, "Where the portal sends people who pick it."),
	optional("visible", yesNo, "Whether the portal shows it; `true` for a new one when left out. It cannot be changed."),
	optional("enabled", yesNo, "Whether it can be used; `true` when left out."),
	optional("anyone", yesNo, "Whether everybody may use it, without an assignment; `false` when left out."),
	optional("groups", listOf(groupName), "Groups that may use it."),
	optional("users", listOf(userName), "People who may use it."),
	optional("tags", tags, "Tags of the application."))

var manage = record("manage", "What the files have the say in. What is not theirs is left alone.",
	optional("permission_sets", additive, "Whether permission sets that are not in the files are deleted (`exclusive`) or left alone (`additive`, the default)."),
	optional("groups", additive, "Whether groups that are not in the files, and that no identity provider owns, are deleted (`exclusive`) or left alone (`additive`, the default)."),
	optional("members", exclusive, "Whether groups in the files lose members that are not in the files (`exclusive`, the default) or keep them (`additive`)."),
	optional("assignments", exclusive, "Whether assignments within the scope that are not in the files are removed (`exclusive`, the default) or left alone (`additive`)."),
	optional("applications", additive, "Whether applications that are not in the files are deleted (`exclusive`) or left alone (`additive`, the default)."),
	optional("scope", record("scope", "Within what assignments are exclusive.",
		optional("accounts", accounts, "In these accounts; in all of them, the management account too, when left out."),
		optional("permission_sets", someOf(setPattern), "Of these permission sets, by names or patterns; of those in the files when left out.")), "Within what assignments are exclusive."))

var protected = record("protected", "What is never touched, whatever the files say.",
	optional("permission_sets", someOf(setPattern), "Permission sets: neither they nor their assignments are changed."),
	optional("groups", someOf(namePattern), "Groups: neither they, their members nor their assignments are changed."),
	optional("users", someOf(namePattern), "People: their assignments are not changed."),
	optional("accounts", accounts, "Accounts: assignments there are not changed."))

var limits = record("limits", "When a plan is refused because it takes too much away.",
	optional("removals", matching("a share or a number", `^(\d{1,7}|\d{1,3}%)$`, "write a share such as 20%, or a number", 1, 8, "20%"), "How many of the assignments within the scope a plan may remove before it is refused without `--allow-mass-removal`: a share or a number; `25%` when left out. Up to ten are never too many."))

var accessTest = record("test", "Something that must be true of who can reach what, or of what a permission set can do. One of `only`, `reach`, `has`, `lacks`, `can` and `cannot` says which.",
	needed("name", &shape{min: 1, max: 200, example: "nobody outside Security audits production"}, "What is asked, in words."),
	optional("groups", someOf(groupName), "Of these groups …"),
	optional("users", someOf(userName), "Of these people …"),
	optional("permission_sets", someOf(setPattern), "Of these permission sets, by names or patterns …"),
	optional("accounts", accounts, "In these accounts …"),
	optional("except", accounts, "… but not in these."),
	optional("only", record("principals", "Groups and people.",
		optional("groups", listOf(groupName), "Groups, by their names."),
		optional("users", listOf(userName), "People, by user name or e-mail address.")), "… nobody but these has the permission sets in the accounts. A person passes who is a member of one of the groups."),
	optional("reach", accounts, "… the groups and people can reach these accounts and no others, by whatever way."),
	optional("has", yesNo, "… every group and person has every permission set in every account (`true`)."),
	optional("lacks", yesNo, "… no group and person has any of the permission sets in any of the accounts (`true`)."),
	optional("can", someOf(matching("an action", `^[A-Za-z0-9-]+:[A-Za-z0-9]+$`, "write service:Action", 3, 128, "s3:GetObject")), "… the permission sets' policies allow these actions."),
	optional("cannot", someOf(matching("an action", `^[A-Za-z0-9-]+:[A-Za-z0-9]+$`, "write service:Action", 3, 128, "cloudtrail:DeleteTrail")), "… the permission sets' policies do not allow these actions."),
	optional("on", someOf(&shape{min: 1, max: 2048, example: "arn:aws:s3:::logs/*"}), "ARNs of resources for `can` and `cannot`, each of which is asked about. When left out, `can` asks for some resource and `cannot` for any."),
	optional("context", tableOf(&shape{doc: "a condition key", min: 1, max: 256, example: "aws:SourceIp"}, someOf(&shape{max: 1024, example: "10.0.0.1"})), "Values of condition keys for `can` and `cannot`."))

// file is what stands in one file; all files together are one document.
var fileShape = record("file", "Who may do what, in one file or in several that are read as one.",
	optional("variables", tableOf(matching("the name of a variable", variableName.String(), "letters, digits, - and _ are possible, a letter first", 1, 64, "hours"), anything),
		"Values by name. `$(name)` puts one in, in any file; `--var name=value` replaces it."),
	optional("fragments", tableOf(matching("the name of a fragment", variableName.String(), "letters, digits, - and _ are possible, a letter first", 1, 64, "deny-leaving"), anything),
		"Parts that are used again: `$(name)` puts one in where it stands alone, a list within a list is spliced, and `<<: $(name)` adds its keys to a mapping."),
	optional("manage", manage, ""),
	optional("permission_sets", tableOf(setName, permissionSet), "Permission sets, by name."),
	optional("groups", tableOf(groupName, group), "Groups, by name, that the files make or fill."),
	optional("assignments", listOf(rule), "Who gets which permission sets in which accounts."),
	optional("break_glass", listOf(rule), "Assignments for the day when nothing else works. They are made like others, and a plan that would take them, the last member of their groups or their permission sets away is refused."),
	optional("attributes", &shape{kind: isTable, keys: matching("a tag key", `^[\p{L}\p{Z}\p{N}_.:/=+@-]+$`, "letters, digits, spaces and any of _ . : / = + - @ are possible", 1, 128, "department"),
		of: &shape{kind: isList, min: 1, max: 1, of: &shape{min: 1, max: 256, example: "${path:enterprise.department}"}}, max: 50}, "Attributes for access control: what becomes which session tag. When left out they are not looked at."),
	optional("applications", tableOf(&shape{doc: "the name of an application", min: 1, max: 255, example: "Wiki"}, application), "Applications, by name."),
	optional("protected", protected, ""),
	optional("production", &shape{kind: isList, of: accountSelector, min: 1, max: 1000, example: "[{ou: Prod}]"}, "Accounts in which an administrator is warned of. When left out: those in a unit, or with a tag env, environment or stage, that is called prod or production."),
	optional("limits", limits, ""),
	optional("tests", listOf(accessTest), "What must be true of the whole; checked by `validate` and `plan`."))
