// Accounts by the number, the same ones every time.
const units = [
  'Payments',
  'Ledger',
  'Logistics',
  'Research',
  'Storefront',
  'Identity',
  'Data Lake',
  'Weather',
  'Maps',
  'Billing',
];
const stages = ['Production', 'Staging', 'Development', 'Sandbox'];
const roles = [
  {
    name: 'AdministratorAccess',
    description: 'Everything, for emergencies and foundations',
    sessionSeconds: 3600,
    relayState: '',
  },
  { name: 'ReadOnly', description: 'Look at everything, change nothing', sessionSeconds: 28800, relayState: '' },
  { name: 'Developer', description: 'Build and run services', sessionSeconds: 14400, relayState: '' },
  { name: 'SecurityAudit', description: '', sessionSeconds: 3600, relayState: '' },
  { name: 'BillingViewer', description: 'Costs and invoices', sessionSeconds: 5400, relayState: '' },
];

/** @param {number} count */
export function accounts(count) {
  return Array.from({ length: count }, (_, i) => {
    const unit = units[i % units.length] ?? '';
    const stage = stages[Math.floor(i / units.length) % stages.length] ?? '';
    const cell = Math.floor(i / (units.length * stages.length));
    const name = cell === 0 ? `${unit} ${stage}` : `${unit} ${stage} ${cell + 1}`;
    return {
      id: String(100000000000 + i * 7919),
      name,
      email: `aws+${name.toLowerCase().replaceAll(' ', '-')}@example.com`,
      roles: i % 50 === 7 ? roles : roles.slice(i % 3, (i % 3) + 2),
    };
  });
}
