package tenant

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Population is people, groups and assignments to fill an empty tenant with.
type Population struct {
	// Users have no ids yet; Manager is a user principal name, and managers come before those they lead.
	Users []User
	// Groups name their members by user principal name or group name; nested groups come first.
	Groups []Group
	// Assigned are the names of the groups that are assigned to the application.
	Assigned []string
	// SignIns are the people who get a password: user principal name and who they are.
	SignIns []SignIn
}

// SignIn is a person who can sign in at the tenant.
type SignIn struct {
	UserPrincipalName string `json:"userPrincipalName"`
	Password          string `json:"password"`
	Description       string `json:"description"`
}

// unit is a part of the sample company.
type unit struct {
	department, group string
	titles            []string // the first is the head's
	size              int
}

var company = []unit{
	{"Platform", "Platform Engineers", []string{"Head of Platform", "Platform Engineer", "Site Reliability Engineer", "Senior Platform Engineer"}, 6},
	{"Engineering", "Developers", []string{"Head of Engineering", "Software Engineer", "Senior Software Engineer", "Frontend Engineer", "Test Engineer"}, 17},
	{"Data", "Data Engineers", []string{"Head of Data", "Data Engineer", "Analytics Engineer", "Data Scientist"}, 6},
	{"Security", "Security", []string{"Head of Security", "Security Engineer", "Incident Responder"}, 5},
	{"Internal Audit", "Auditors", []string{"Head of Audit", "IT Auditor"}, 3},
	{"Finance", "Finance", []string{"Head of Finance", "Accountant", "Financial Analyst", "Controller"}, 6},
	{"Support", "Support", []string{"Head of Support", "Support Specialist", "Customer Success Engineer"}, 8},
	{"Contractors", "Contractors", []string{"Contract Lead", "Contract Engineer", "Consultant"}, 6},
}

// The three people at the top are in no department; All Staff has them as its only direct members.
var board = []string{"Chief Executive Officer", "Chief Technology Officer", "Chief Financial Officer"}

var givenNames = []string{
	"Amara", "Jonas", "Priya", "Mateo", "Ingrid", "Kwame", "Yuki", "Elif", "Tomasz", "Leila", "Noah", "Chiara", "Arjun", "Sofia", "Dmitri", "Hana", "Luca", "Zanele",
	"Oskar", "Mei", "Rafael", "Aisha", "Bjorn", "Camille", "Diego", "Esther", "Farid", "Greta", "Hugo", "Imani", "Jakub", "Keiko", "Lars", "Marisol", "Nikhil", "Olena",
	"Pablo", "Quynh", "Rosa", "Samir", "Thandi", "Ulrike", "Viktor", "Wanjiru", "Xavier", "Yasmin", "Zoltan", "Agnes", "Bruno", "Carmen", "Daria", "Emil", "Fatou", "Gael",
	"Helena", "Ivo", "Jana", "Karim", "Linnea", "Milan",
}

var surnames = []string{
	"Okafor", "Weber", "Raman", "Fernández", "Solberg", "Mensah", "Tanaka", "Yılmaz", "Kowalski", "Haddad", "Bennett", "Ricci", "Mehta", "Petrova", "Volkov", "Sato", "Moretti",
	"Dlamini", "Lindqvist", "Zhang", "Almeida", "Khan", "Eriksen", "Dubois", "Vargas", "Cohen", "Rahimi", "Hoffmann", "Laurent", "Njoroge", "Nowak", "Ito", "Jensen", "Ortega",
	"Iyer", "Shevchenko", "Navarro", "Nguyen", "Santos", "Nasser", "Mokoena", "Schneider", "Horvat", "Kamau", "Girard", "Aziz", "Szabó", "Keller", "Costa", "Molina", "Ivanova",
	"Larsson", "Diallo", "Roux", "Novák", "Marić", "Dvořáková", "Benali", "Bergström", "Jovanović",
}

// ascii spells what of the names is not ASCII, for user names.
var ascii = strings.NewReplacer("á", "a", "ó", "o", "ı", "i", "ć", "c", "ř", "r", "ö", "o")

// Sample is a company of sixty people in nine groups. The same seed and domain always give the same people. It
// includes no passwords: Load makes those.
func Sample(seed uint64, domain string) Population {
	s := &sampler{rand: rand.New(rand.NewPCG(seed, seed)), domain: domain}
	s.order = s.rand.Perm(len(givenNames))
	var p Population
	for _, title := range board {
		boss := ""
		if len(p.Users) > 0 {
			boss = p.Users[0].UserPrincipalName
		}
		p.Users = append(p.Users, s.person("Executive", title, boss))
	}
	top := p.Users[1].UserPrincipalName
	all := Group{DisplayName: "All Staff", Description: "Everybody, by way of other groups. Nested groups are not provisioned."}
	for _, u := range p.Users {
		all.Members = append(all.Members, u.UserPrincipalName)
	}
	for _, part := range company {
		g := Group{DisplayName: part.group, Description: part.department + " department"}
		boss := top
		for i := range part.size {
			title := part.titles[0]
			if i > 0 {
				title = part.titles[1+s.rand.IntN(len(part.titles)-1)]
			}
			u := s.person(part.department, title, boss)
			if i == 0 {
				boss = u.UserPrincipalName
			}
			p.Users = append(p.Users, u)
			g.Members = append(g.Members, u.UserPrincipalName)
			if i == 1 {
				p.name(part.group, u)
			}
		}
		p.Groups = append(p.Groups, g)
		p.Assigned = append(p.Assigned, g.DisplayName)
		if part.group != "Contractors" {
			all.Members = append(all.Members, g.DisplayName)
		}
	}
	p.Groups, p.Assigned = append(p.Groups, all), append(p.Assigned, all.DisplayName)
	return p
}

// name makes the second of some departments a person to sign in as.
func (p *Population) name(group string, u User) {
	switch group {
	case "Platform Engineers", "Developers", "Auditors":
		p.SignIns = append(p.SignIns, SignIn{UserPrincipalName: u.UserPrincipalName, Description: u.DisplayName + ", member of " + group})
	}
}

type sampler struct {
	rand   *rand.Rand
	domain string
	order  []int // which name is whose
	n      int
}

// person makes the next one: each given name and each surname is used once, so no two user names are alike.
func (s *sampler) person(department, title, manager string) User {
	given, sur := givenNames[s.order[s.n]], surnames[s.order[s.n]]
	nick := strings.ToLower(given + "." + ascii.Replace(sur))
	city := []struct{ name, country string }{{"Rotterdam", "NL"}, {"Lisbon", "PT"}, {"Hamburg", "DE"}, {"Toronto", "CA"}}[s.rand.IntN(4)]
	s.n++
	return User{
		UserPrincipalName: nick + "@" + s.domain, Mail: nick + "@" + s.domain, MailNickname: nick,
		GivenName: given, Surname: sur, DisplayName: given + " " + sur, JobTitle: title, Department: department,
		EmployeeID: fmt.Sprint(1000 + s.n), TelephoneNumber: fmt.Sprintf("+1 555 01%02d", s.n), City: city.name, Country: city.country,
		Manager: manager, AccountEnabled: true,
	}
}

// Load fills the tenant with a population and gives its sign-ins fresh passwords, which are returned and
// kept nowhere else. Who and what is there already stays and is joined to groups and
// assignments; so Load can be repeated after a crash. Everything is written at once.
func (t *Tenant) Load(p Population) ([]SignIn, error) {
	ins := make([]SignIn, 0, len(p.SignIns))
	hashes := map[string]string{}
	for _, s := range p.SignIns {
		s.Password = t.readablePassword()
		hashes[s.UserPrincipalName] = t.hash(s.Password)
		ins = append(ins, s)
	}
	return ins, t.change(func(st *state) error {
		for _, u := range p.Users {
			r, err := st.user(u.UserPrincipalName)
			if err != nil {
				if r, err = t.newUser(st, u); err != nil {
					return err
				}
			}
			if h := hashes[u.UserPrincipalName]; h != "" {
				r.PasswordHash = h
			}
		}
		for _, g := range p.Groups {
			if err := t.loadGroup(st, g); err != nil {
				return err
			}
		}
		for _, name := range p.Assigned {
			if err := st.assign(name, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *Tenant) loadGroup(st *state, g Group) error {
	have, err := st.group(g.DisplayName)
	if err != nil {
		_, err := t.newGroup(st, g)
		return err
	}
	for _, m := range g.Members {
		if err := st.addMember(have, m); err != nil {
			return err
		}
	}
	return nil
}

// Fill loads the sample company, in the tenant's own domain.
func (t *Tenant) Fill() ([]SignIn, error) { return t.Load(Sample(1, t.st.Domain)) }

// readablePassword is three groups of four out of 30 characters that are not mistaken for others: 58 bits.
func (t *Tenant) readablePassword() string {
	const letters = "abcdefghjkmnpqrstvwxyz23456789"
	var b strings.Builder
	for b.Len() < 14 {
		if b.Len()%5 == 4 {
			b.WriteByte('-')
		}
		for {
			if c := t.random(1)[0]; int(c) < 256/len(letters)*len(letters) { // else the first letters would come more often
				b.WriteByte(letters[int(c)%len(letters)])
				break
			}
		}
	}
	return b.String()
}
