/**
 * How long a store keeps the generation of a subject's sessions, in milliseconds: a day, which is longer than
 * any login.
 */
export const GENERATION_KEPT = 86_400_000;
