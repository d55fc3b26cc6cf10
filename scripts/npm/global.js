// Only its types count.
export {};
