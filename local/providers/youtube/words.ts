/**
 * What the simulated channels talk about. A channel keeps to one theme; a video takes a subject
 * and a frame for its title.
 * @module
 */

/** One kind of channel. */
export interface Theme {
  readonly name: string;
  readonly categoryId: string;
  readonly subjects: readonly string[];
  readonly tags: readonly string[];
  readonly hashtags: readonly string[];
}

/** The themes, of which every channel has one. */
export const themes: readonly Theme[] = [
  {
    name: "cooking",
    categoryId: "26",
    subjects: [
      "Miso Ramen",
      "Sourdough",
      "Crispy Tofu",
      "Shakshuka",
      "Hand-cut Pasta",
      "Kimchi",
      "Lemon Tart",
      "Dal Makhani",
      "Birria Tacos",
      "Focaccia",
      "Cold Brew",
      "Mushroom Risotto",
      "Cardamom Buns",
      "Pho",
      "Smash Burgers",
      "Roast Cauliflower",
    ],
    tags: ["cooking", "recipe", "home cooking", "weeknight dinner", "food", "from scratch"],
    hashtags: ["#cooking", "#recipe", "#foodie", "#homecooking"],
  },
  {
    name: "workshop",
    categoryId: "26",
    subjects: [
      "a Walnut Desk",
      "a Dovetail Box",
      "the Old Lathe",
      "a Steam-bent Chair",
      "a Tiny Bookshelf",
      "Japanese Joints",
      "a Cutting Board",
      "a Shop Stool",
      "a Barn Door",
      "a Bandsaw Jig",
      "an Epoxy Lamp",
      "a Garden Bench",
      "a Tool Wall",
      "a Guitar Stand",
    ],
    tags: ["woodworking", "diy", "workshop", "hand tools", "furniture", "maker"],
    hashtags: ["#woodworking", "#diy", "#maker"],
  },
  {
    name: "cycling",
    categoryId: "17",
    subjects: [
      "the Col du Galibier",
      "a Gravel Century",
      "Winter Commuting",
      "Tubeless Tyres",
      "the Coast Road",
      "Bikepacking Iceland",
      "a 1987 Steel Frame",
      "Hill Repeats",
      "Night Riding",
      "the Cobbles",
      "Zone 2 Training",
      "a Loaded Tour",
    ],
    tags: ["cycling", "bike", "gravel", "bikepacking", "training", "road cycling"],
    hashtags: ["#cycling", "#gravel", "#bikepacking"],
  },
  {
    name: "synths",
    categoryId: "10",
    subjects: [
      "a Juno-60",
      "Modular Drones",
      "a Broken DX7",
      "Generative Ambient",
      "Acid Basslines",
      "Tape Loops",
      "a Eurorack Starter Case",
      "Granular Pads",
      "FM Bells",
      "a Drum Machine from 1982",
      "Dub Techno Chords",
      "Field Recordings",
    ],
    tags: ["synthesizer", "modular", "ambient", "music production", "eurorack", "tutorial"],
    hashtags: ["#synth", "#modular", "#ambient"],
  },
];

/** Titles of videos longer than a few minutes; `{}` is the subject. */
export const longFrames: readonly string[] = [
  "I spent 30 days on {}. Here is what I learned",
  "{}: everything I wish I had known",
  "The honest truth about {}",
  "{} for beginners, step by step",
  "Why {} is harder than it looks",
  "{}, explained in one video",
  "Restoring my love for {}",
  "{} on a budget of €50",
  "Beginner vs. professional: {}",
  "What nobody tells you about {} 😅",
  "{} – la versión definitiva",
  "{} & the “one rule” I never break",
];

/** Titles of Shorts. */
export const shortFrames: readonly string[] = [
  "{} in 30 seconds",
  "POV: you tried {} for the first time",
  "Do not make this mistake with {} 🙈",
  "{}, but faster",
  "One trick for {}",
  "Wait for it… {}",
];

/** Titles of broadcasts. */
export const liveFrames: readonly string[] = [
  "LIVE: {} and your questions",
  "24 hours of {} (marathon)",
  "Premiere: {}",
];
