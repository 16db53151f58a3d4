"""A hundred songs, each with something in it that looks like dirt and is not. Old ones of nobody's, or made up here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HardCase:
    """A song that cleaning must leave as it is, line by line."""

    why: str
    text: str
    title: str = "Over the Hills"
    artist: str = "Ann Bold"
    raw: str = ""
    """What came, where that is not the song itself."""
    told: str = ""
    """What is called suspicious, where something must be."""
    under_dirt: bool = True
    """Whether it is kept too where the dirt of a page stands around it; digits beside digits cannot be."""


_MARKER = "You might also like"
HARD_CASES: tuple[HardCase, ...] = (
    # Words of a page inside a sentence.
    HardCase("the marker begins the song", "You might also like the way the river bends\nand how the willow tends"),
    HardCase("the marker ends the song", "The miller said to me\nI think that you might also like the sea"),
    HardCase("the marker, a comma, more",
             "Sing it high, sing it low\nYou might also like, you might also know\nwhere the rivers go"),
    HardCase("the marker in small letters",
             "She whispered in the dark\nyou might also like the park\nand the singing of the lark"),
    HardCase("the marker becomes another word",
             "O the weather on the hill\nYou might also likely chill\nby the old and broken mill"),
    HardCase("the marker as a question",
             "Here is bread and here is wine\nDid you know you might also like it mine?\nHere is pine"),
    HardCase("the marker quoted", "“You might also like me,” said the fox\nTo the hound among the rocks"),
    HardCase("the marker twice a line", "You might also like it, you might also like it\nIf you ever come to town"),
    HardCase("lyrics begin the song", "Lyrics of love and lyrics of war\nI heard them sung on a foreign shore"),
    HardCase("lyrics end a line with a capital", "All day long I forgot the Lyrics\nAnd the tune went with them"),
    HardCase("the title and lyrics in a sentence", "Over the hills my lyrics fly\nUnder the wide and starry sky"),
    HardCase("a first line that begins as the title does", "Sing me the Lyrics\nThat my mother sang", title="Sing"),
    HardCase("a first line that is nearly the title", "Lovely Lyrics\nAre all I have to give", title="Love"),
    HardCase("lyrics three times", "lyrics, lyrics, lyrics\nNothing left but lyrics\nSay the critics"),
    HardCase("lyrics alone", "So I opened up the book\nLyrics\nWas the only word I took"),
    HardCase("embedded", "Embedded in my heart, a thorn\nThe day that I was born\nit lay embedded"),
    HardCase("embed ends the song", "Deep in the old oak's wood\nThe bullets that we embed"),
    HardCase("embed inside", "I will embed your name in stone\nEmbed it where the moss has grown\nalone"),
    HardCase("in bed at the end", "The moon is red, the lamps are dead\nAnd all the children are in bed"),
    HardCase("translations", "I was lost in translations\nOf your eyes at the stations\nTranslations"),
    HardCase("contributors begin the song", "Five contributors sat at the table\nEach told the others an old, old fable"),
    HardCase("counted contributors begin the song", "5 contributors sat at the table\nEach told the others an old, old fable"),
    HardCase("a contributor ends the song", "Who gave the widow's mite away?\nOne poor contributor"),
    HardCase("read more begins a line", "Read more, sleep less, the teacher said\nRead more until your eyes are red"),
    HardCase("read more with a capital",
             "There is a book upon the shelf\nRead More Of My Heart, it says of itself\nand so I did"),
    HardCase("read more after a sentence", "I want to know. I want to read more\nThan ever was written before"),
    HardCase("get tickets", "Get tickets to the moon, my dear\nGet tickets while the night is clear"),
    HardCase("get tickets as low as nothing",
             "Get tickets as low as you can find them\nLeave your sorrows and never mind them"),
    HardCase("get tickets as low as a number", "We could get tickets as low as 79 and go\nTo anywhere the trains still know"),
    HardCase("see you live begins", "See you live, see you long\nSee you laughing at my song"),
    HardCase("see you live ends", "From the gallery so high\nI will see you live"),
    HardCase("see somebody live", "I came to See Ann Bold Live\nAnd to hear her sing at five\nby the river"),
    HardCase("see upcoming", "See upcoming storms arise\nSee them gather in her eyes"),
    HardCase("share", "Share URL was all he said\nWhen I asked him for some bread"),
    HardCase("genius", "Genius of the river, wake\nGenius is the ultimate source of ache\nGenius"),
    HardCase("sign up", "Sign up and drop your guard, my boy\nSign up"),
    HardCase("a comment", "Add a comment, add a curse\nAdd another, longer verse\nComments make it worse"),
    # Digits.
    HardCase("counting to three", "1, 2, 3\nOver the hills with me\n1, 2, 3, 4\nOver the hills once more", under_dirt=False),
    HardCase("counting glued to a number",
             "We count, we count\n1, 2, 345", raw="We count, we count\n1, 2, 345Embed", told="1, 2, 345"),
    HardCase("a countdown a line each", "3\n2\n1\nAnd the ship is gone"),
    HardCase("a countdown ends the song",
             "And the ship is gone\n3\n2\n1", raw="And the ship is gone\n3\n2\n1\nEmbed", told="1"),
    HardCase("seven years", "7 Years I served for her\n7 Years and never stir", title="7 Years"),
    HardCase("a year ends the song", "There never was a year so fine\nAs 1899", title="1899", under_dirt=False),
    HardCase("the title's year before a number", "It was the summer of 1899",
             raw="1 Contributor1899 LyricsIt was the summer of 18993Embed", title="1899", told="It was the summer of 1899"),
    HardCase("a price", "As low as $79 they sold my mare\nFor $307 my feather bed, and the chair"),
    HardCase("numbers of a road", "25 or 6 to 4, the porter said\nRoute 66 ahead\n99 red kites overhead"),
    HardCase("a telephone", "Call me on the line tonight\n867-5309, hold the light\nuntil the morning"),
    HardCase("words with digits", "4ever yours, B52, R8 and U2\n2 x 4 and me 4 you\nand so it goes"),
    HardCase("times", "O the river (x2)\nO the sea x2\n[x2]\nO me"),
    # One-word lines.
    HardCase("about", "What is the song of the wind?\nAbout\nNothing at all"),
    HardCase("about ends the song", "Turn the ship and turn it quick\nAbout"),
    HardCase("cancel, credits, copy", "Cancel\nCredits\nCopy\nThat is all the clerk could say"),
    HardCase("cancel ends the song", "All the letters that I wrote\nCancel"),
    HardCase("about and credits side by side", "About\nCredits\nExpand\nThe clerk went on all day"),
    HardCase("release date", "Behind the bars I count and wait\nRelease Date\nRelease Date\nfreedom"),
    HardCase("tags and comments", "On every coat that hangs in line\nTags\nComments\nQ&A\nand none of them is mine"),
    HardCase("expand and share", "Lungs of leather, heart of air\nExpand\nShare"),
    HardCase("unreleased",
             "Unreleased\nis the bird that I hold in my hand\nUnreleased, unfinished, unforgiven", title="Unreleased"),
    HardCase("instrumental", "Instrumental in the making of me\nwas my mother, she is instrumental"),
    HardCase("nothing there", "N/A\nsaid the form, and nothing more\n..."),
    HardCase("a letter", "I\nO\nA\nThat is how the vowels go"),
    # Brackets.
    HardCase("a word nobody heard", "O'er the hills and [?] away\n[?]\nThe piper's son did play"),
    HardCase("a sample", "[Sample: an old wax cylinder]\nO'er the hills and far away\n[Sample: a voice (in French)]"),
    HardCase("a header of several singers",
             "[Verse 1: Ann & Ben]\nTom, he was a piper's son\n\n[Chorus: Ann, both Ben & Cora]\nOver the hills and far away"),
    HardCase("French headers", "[Couplet 1]\nFrère Jacques, frère Jacques\nDormez-vous?\n\n[Refrain]\nSonnez les matines"),
    HardCase("Spanish headers", "[Coro]\nLa cucaracha, la cucaracha\nYa no puede caminar\n\n[Estrofa 2]\nPorque le falta"),
    HardCase("Korean headers", "[가사]\n아리랑 아리랑 아라리요\n아리랑 고개로 넘어간다"),
    HardCase("a stage direction", "[laughs]\nHo, ho, ho, the sailor cried\n[Applause]\nHo, ho, ho"),
    HardCase("brackets in a line", "Over the sea [to me]\nOver the sea [to thee]"),
    HardCase("nested parentheses", "(Ahoy, (ahoy))\nWhat shall we do with the sailor?\n(Hey, ho) (hey, ho)"),
    HardCase("parentheses over lines", "I walked (for so\nthe song goes)\nto the river (and\nback again)"),
    HardCase("faces", ":) said the sun\n:( said the rain\n(\nand the wind said nothing"),
    HardCase("less and more", "<3 and a < b\nc > d and <so> it goes\n*and* _so_ it rhymes"),
    # Recommendations that are none.
    HardCase("titles after nothing", "Make Them Weep\nBen Bold\nLullaby\nCora Mild\nso the playbill ran"),
    HardCase("an unknown artist after the marker", "O the hills\nMake Them Weep\nBen Strange\nand away",
             raw=f"O the hills\n{_MARKER}\nMake Them Weep\nBen Strange\nand away", told="Make Them Weep\nBen Strange"),
    HardCase("a fourth song after the marker", "O the hills\nFourth\nAnn Bold\nand away",
             raw=f"O the hills\n{_MARKER}\nOne\nAnn Bold\nTwo\nAnn Bold\nThree\nAnn Bold\nFourth\nAnn Bold\nand away"),
    HardCase("the artist sings her name after a lyric", "I said my name is\nAnn Bold\nAnd I come from over the hills"),
    HardCase("two lines of a song after the marker", "O the hills\nthe river runs and runs away\nit never comes another day",
             raw=f"O the hills\n{_MARKER}\nthe river runs and runs away\nit never comes another day"),
    HardCase("a known artist two lines below a blank", "O the hills\n\nSo sang the one\nAnn Bold\nand away",
             raw=f"O the hills\n{_MARKER}\n\nSo sang the one\nAnn Bold\nand away"),
    HardCase("a header after the marker", "O the hills\n\n[Verse 2]\nand far away\nwe go",
             raw=f"O the hills\n{_MARKER}[Verse 2]\nand far away\nwe go"),
    HardCase("the same words twice",
             "O'er the hills and far away\nO'er the hills and far away\n" * 5 + "The wind has blown my plaid away"),
    HardCase("one line all along", "\n".join(["Over and over and over"] * 24)),
    # Alphabets, accents, marks.
    HardCase("Russian", "Во поле берёза стояла\nВо поле кудрявая стояла\nЛюли, люли, стояла", title="Во поле берёза стояла"),
    HardCase("Russian words that look Latin", "он, а она\nхор и рама\nТо не ветер ветку клонит"),
    HardCase("Russian and English on a line", "Привет the world, прощай the sea\nand Калинка моя to me"),
    HardCase("Greek", "Σαν πας στην Καλαμάτα\nκαι 'ρθεις με το καλό"),
    HardCase("a letter turned round", "KoЯn on the cob and ЯR too\nwas what the grocer drew"),
    HardCase("French accents", "Ça va, naïve façade, là-haut\nAuprès de ma blonde, qu'il fait bon"),
    HardCase("Vietnamese", "Bèo dạt mây trôi\nchốn xa xôi, anh ơi"),
    HardCase("Japanese with its own space", "さくら　さくら\n野山も里も　見わたす限り", title="さくら"),
    HardCase("Chinese", "茉莉花\n好一朵美丽的茉莉花", title="茉莉花"),
    HardCase("Persian joiners", "گل می‌خواهم\nنمی‌دانم چرا"),
    HardCase("Hindi joiners", "क्‍ष नमस्ते\nरघुपति राघव राजाराम"),
    HardCase("faces with joiners", "👩‍🚀 to the moon\n❤️‍🔥 to the sun\n🤓"),
    HardCase("curly apostrophes alone",
             "’Twas brillig, and the slithy toves\nDid gyre and gimble in the wabe\n“Beware,” he said, ‘beware’"),
    # Shape.
    HardCase("stanzas", "O'er the hills\nand far\n\naway\n\nI go\nand far"),
    HardCase("indented lines", "The ship was cheered\n  The harbour cleared\n    Merrily did we drop\n  Below the kirk"),
    HardCase("capitals and none",
             "LOUD IS THE SEA\nlow is the lea\nMcDonald had a farm, iPhone in hand\nYouTube is no man's land"),
    HardCase("prose that counts", "1. is for the river\n1. is for the sea\n1. is for the both of us\n1. is me"),
    HardCase("an excuse", "Sorry, we didn't mean for that to happen\nSorry, we didn't mean to cry\nJust a moment"),
)  # fmt: skip
