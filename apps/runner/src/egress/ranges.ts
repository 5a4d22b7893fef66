import { BlockList, isIP } from 'node:net';

/** Special-purpose IPv4 ranges (IANA registry): nothing in them is a public host. */
const specialIpv4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];

/** Global unicast is 2000::/3; everything else (loopback, mapped, NAT64, unique local, link-local, multicast) is not public. */
const globalIpv6 = ['2000::/3'];
/** Inside global unicast: protocol assignments and Teredo, documentation, 6to4, which may carry any IPv4 address. */
const specialIpv6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'];

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** A block list of the given CIDR ranges and single addresses. */
export const rangesOf = (ranges: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    if (bits === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(bits), familyOf(address));
  }
  return list;
};

const ipv4 = rangesOf(specialIpv4);
const outside = rangesOf(specialIpv6);
const inside = rangesOf(globalIpv6);

/** Whether an address lies in `ranges`; an IPv4-mapped IPv6 address also counts as the IPv4 address it holds. */
export const isWithin = (ranges: BlockList, address: string): boolean => isIP(address) !== 0 && ranges.check(address, familyOf(address));

/** Whether an IP address is one of the public internet. What isn't an IP address isn't public. */
export const isPublic = (address: string): boolean => {
  if (isIP(address) === 4) return !ipv4.check(address, 'ipv4');
  return isIP(address) === 6 && inside.check(address, 'ipv6') && !outside.check(address, 'ipv6');
};
