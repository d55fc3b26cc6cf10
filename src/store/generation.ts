/** How long a store keeps the generation of a subject's sessions, in milliseconds: a day, longer than any login takes. */
export const GENERATION_KEPT = 86_400_000;
