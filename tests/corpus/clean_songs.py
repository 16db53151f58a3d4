"""Songs of the public domain, and one made up, as they are when they are clean."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CleanSong:
    title: str
    artist: str
    text: str


RIVER = CleanSong(
    "Red River Valley",
    "The Prairie Singers",
    """[Verse 1]
From this valley they say you are going
We will miss your bright eyes and sweet smile
For they say you are taking the sunshine
That has brightened our pathway awhile

[Chorus]
Come and sit by my side if you love me
Do not hasten to bid me adieu
Just remember the Red River Valley
And the cowboy that loved you so true

[Verse 2: Ann & Ben]
I've been thinking a long time, my darling
Of the sweet words you never would say
Now, alas, must my fond hopes all vanish
For they say you are going away""",
)
SAINTS = CleanSong(
    "When the Saints Go Marching In",
    "Traditional",
    """Oh, when the saints go marching in
Oh, when the saints go marching in
Lord, how I want to be in that number
When the saints go marching in

And when the sun begins to shine
And when the sun begins to shine
Lord, how I want to be in that number
When the sun begins to shine!""",
)
SHORE = CleanSong(
    "7 Ships (Live) [Remastered]",
    "AC & The Tide",
    """[Intro: Ann]
(Hey, ho)
One, two, 3 ships on the water (Ahoy)
You might also like the way they roll

[Refrain]
Read more in the sails than the letters
So embedded in salt and in foam (Ooh-ooh, ooh)
[?]
See you live, see you long on the water

[Outro]
(Hey, ho)
7 ships coming home""",
)
FRENCH = CleanSong(
    "Au clair de la lune",
    "La Chorale",
    """[Couplet 1]
Au clair de la lune
Mon ami Pierrot
Prête-moi ta plume
Pour écrire un mot

[Refrain]
Ma chandelle est morte
Je n'ai plus de feu
Ouvre-moi ta porte
Pour l'amour de Dieu""",
)
RUSSIAN = CleanSong(
    "Калинка",
    "Народная",
    """[Припев]
Калинка, калинка, калинка моя
В саду ягода малинка, малинка моя

[Куплет 1]
Ах, под сосною, под зеленою
Спать положите вы меня""",
)
GRACE = CleanSong(
    "Amazing Grace",
    "John Newton",
    """Amazing grace! how sweet the sound
That saved a wretch like me
I once was lost, but now am found
Was blind, but now I see

'Twas grace that taught my heart to fear
And grace my fears relieved
How precious did that grace appear
The hour I first believed""",
)
SAKURA = CleanSong(
    "さくらさくら",
    "日本古謡",
    """さくら　さくら
野山も里も　見わたす限り
かすみか雲か　朝日ににおう

さくら　さくら
弥生の空は　見わたす限り
いざや　いざや　見にゆかん""",
)
TRAIN = CleanSong(
    "Night Train, Pt. 2 (feat. Cora)",
    "DJ McFerry",
    """[Intro: Cora & DJ McFerry]
(Uh, uh)
Don't you know I can't wait (Wait)

[Verse 1: DJ McFerry]
I'm on the 9 o'clock, the iron wheels are rollin' (Rollin')
You saw my iPhone ring, it's “Mother,” and she's scoldin'
About
The lyrics that I wrote and the bread that I've been holdin' (Yeah, yeah)

[Pre-Chorus: Cora, with DJ McFerry]
Get tickets, get a ride, get away (Ooh)
1, 2, 3, what would you say?

[Chorus: Both]
Night train, night train
Contributors of rain
And it's 5 to 9 again""",
)
JABBER = CleanSong(
    "Jabberwocky",
    "Lewis Carroll",
    """’Twas brillig, and the slithy toves
Did gyre and gimble in the wabe:
All mimsy were the borogoves,
And the mome raths outgrabe.

“Beware the Jabberwock, my son!
The jaws that bite, the claws that catch!
Beware the Jubjub bird, and shun
The frumious Bandersnatch!”

He took his vorpal sword in hand;
Long time the manxome foe he sought—
So rested he by the Tumtum tree
And stood awhile in thought.""",
)
SONGS = (RIVER, SAINTS, SHORE, FRENCH, RUSSIAN, GRACE, SAKURA, TRAIN, JABBER)
