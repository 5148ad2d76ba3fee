import { fileURLToPath } from 'node:url';

/** Where pictures for people to look at are left: test/out/. */
export const pictures = fileURLToPath(new URL('../../out/', import.meta.url));
