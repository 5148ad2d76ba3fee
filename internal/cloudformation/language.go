package cloudformation

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// LanguageExtensions is the one transform there is: it adds functions and loops to the language.
const LanguageExtensions = "AWS::LanguageExtensions"

// extensions are the functions that only templates with [LanguageExtensions] have.
func extensions() []string { return []string{"Fn::Length", "Fn::ToJsonString"} }

// transforms reads the section Transform.
func (t *Template) transforms(root *node) error {
	n := root.get("Transform")
	if n == nil {
		return nil
	}
	names := []*node{n}
	if n.kind == listNode {
		names = n.items
	}
	for _, item := range names {
		if name, _ := item.scalar(); name != LanguageExtensions || len(t.Transforms) > 0 {
			return item.wrong("Gatehouse does not support the section Transform, but for one %s", LanguageExtensions)
		}
		t.Transforms = []string{LanguageExtensions}
	}
	return nil
}

// extended reports whether the template has the functions of [LanguageExtensions].
func (t *Template) extended() bool { return slices.Contains(t.Transforms, LanguageExtensions) }

// fnCidr divides a block of addresses: [block, count, bits of each].
func (s *scope) fnCidr(n *node) (any, error) {
	if err := n.arguments("Fn::Cidr", 3); err != nil {
		return nil, err
	}
	var words [3]string
	for i, item := range n.items {
		w, later, err := s.word(item, "Fn::Cidr")
		if err != nil || later {
			return unknown{}, err
		}
		words[i] = w
	}
	block, err := netip.ParsePrefix(words[0])
	if err != nil {
		return nil, n.wrong("Fn::Cidr: %s is not a CIDR block", clip(words[0]))
	}
	count, err := strconv.Atoi(words[1])
	if err != nil || count < 1 || count > 256 {
		return nil, n.wrong("Fn::Cidr makes 1 to 256 blocks")
	}
	bits, err := strconv.Atoi(words[2])
	mask := block.Addr().BitLen() - bits
	if err != nil || bits < 1 || mask < block.Bits() || mask-block.Bits() < 8 && count > 1<<(mask-block.Bits()) {
		return nil, n.wrong("Fn::Cidr: %s does not hold %d blocks of %s bits", block, count, clip(words[2]))
	}
	out, b := []any{}, block.Masked().Addr().AsSlice()
	for range count {
		addr, _ := netip.AddrFromSlice(b)
		out = append(out, netip.PrefixFrom(addr, mask).String())
		// The next block is 2^bits addresses on.
		carry := 1 << (bits % 8)
		for i := len(b) - 1 - bits/8; i >= 0 && carry > 0; i-- {
			carry += int(b[i])
			b[i], carry = byte(carry), carry>>8
		}
	}
	return out, nil
}

// fnLength counts a list.
func (s *scope) fnLength(n *node) (any, error) {
	items, later, err := s.list(n, "Fn::Length")
	if err != nil || later {
		return unknown{}, err
	}
	if len(items) == 1 && s.unsure(items[0]) {
		return s.derived(items[0].(string)), nil
	}
	return Number(strconv.Itoa(len(items))), nil
}

// fnToJSONString writes an object or a list as JSON.
func (s *scope) fnToJSONString(n *node) (any, error) {
	if n.kind < listNode {
		return nil, n.wrong("Fn::ToJsonString takes an object or a list")
	}
	v, err := s.eval(n)
	if err != nil || isUnknown(v) {
		return unknown{}, err
	}
	text, err := EncodeJSON(v)
	if err == nil && s.mark != "" { // it is to be found in text, however JSON writes it
		var mark string
		mark, err = EncodeJSON(s.mark)
		text = strings.ReplaceAll(text, strings.Trim(mark, `"`), s.mark)
	}
	if err == nil && len(text) > maxText {
		err = n.wrong("Fn::ToJsonString makes a text of more than %d bytes", maxText)
	}
	if err == nil {
		err = s.grow(len(text))
	}
	return text, err
}

// otherwise is the value that Fn::FindInMap has, by its fourth argument, for what is not in the map.
func (s *scope) otherwise(n *node) (value *node, err error) {
	if len(n.items) < 4 {
		return nil, nil
	}
	if value = n.items[3].get("DefaultValue"); value == nil || len(n.items[3].keys) != 1 {
		return nil, n.wrong("the fourth argument of Fn::FindInMap is a map of DefaultValue")
	}
	return value, nil
}
