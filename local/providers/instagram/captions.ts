/** What the simulated accounts write: many scripts, hashtags and mentions in all of them. */
export const captions: readonly string[] = [
  "Number {} fresh out of the oven 🍞\n\n#sourdough #homebaking #BreadTok",
  "One walnut desk, {} clamps. Thanks @maker.friend for the plans! #woodworking #handtools",
  "{} km before breakfast. #gravel#bikepacking (no space, still two tags)",
  "今日のラーメン、{}杯目。レシピは @aiko.cooks から #ラーメン #自家製麺 #料理",
  "وصفة اليوم رقم {} مع @leila.kitchen #طبخ #أكل_بيتي #وصفات_سهلة",
  "Рецепт №{}: борщ как у бабушки #рецепты #борщ_ #домашняя_кухня",
  "Número {} de la serie: tacos de birria 🌮 #birria #cocina_mexicana #ñam",
  "आज की रेसिपी {} #खाना #घर_का_खाना @priya_rides",
  "{}. 오늘의 커피 ☕️ #커피스타그램 #홈카페",
  "No tags today, just {} photos and an address: mail me at hello@example.com",
  "POV: take {} #fyp #Reels #reels #2026 #1a",
  "Full-width signs ＃東京 and a price of #{} (no tag), see https://example.com/#not_a_tag",
  "Étape {} : la côte, puis la brioche. #vélo #brioche_maison avec @jonas.rides.",
  "{} 🧵 #🧵 #diy",
];
