#!/usr/bin/env python3
"""phrases: makes the English-Korean phrase corpus. Run by hand in this folder; no build needs it.

    python3 phrases.py        writes phrases.tsv, phrases-dev.tsv and fresh.en, always the same bytes

A small grammar draws a meaning (who, does what, to what, where, when, in which mood) and says it in
both languages, so every English sentence has exactly one Korean one. What makes Korean hard is all
there: particles by final consonant, irregular stems, honorific verbs, counters, and the register,
which the address in front decides ("Minsu, ..." is casual, "Teacher, ..." formal, none polite).

One combination of head words in seven (verb and object, verb and place, adjective and noun) is kept
for phrases-dev.tsv and fresh.en alone: dev asks for unseen combinations of seen words.
"""
import random
import zlib

TRAIN, DEV, FRESH, SEED = 3000, 200, 12, 20
POLITE, CASUAL, FORMAL = "polite", "casual", "formal"

# ---- Hangul: a syllable is (lead, vowel, tail), tail 0 is an open one

TAILS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"


def take_apart(syllable):
    code = ord(syllable) - 0xAC00
    return code // 588, VOWELS[code % 588 // 28], TAILS[code % 28]


def put_together(lead, vowel, tail=" "):
    return chr(0xAC00 + lead * 588 + VOWELS.index(vowel) * 28 + TAILS.index(tail))


def tail_of(word):
    return take_apart(word[-1])[2]


def with_tail(word, tail):
    lead, vowel, _ = take_apart(word[-1])
    return word[:-1] + put_together(lead, vowel, tail)


def is_open(word):
    return tail_of(word) == " "


# ---- particles


def topic(noun):
    return noun + ("는" if is_open(noun) else "은")


def subject(noun):
    return noun + ("가" if is_open(noun) else "이")


def thing(noun):
    return noun + ("를" if is_open(noun) else "을")


def along(noun):
    return noun + ("와" if is_open(noun) else "과")


def means(noun):
    return noun + ("로" if tail_of(noun) in " ㄹ" else "으로")


def calling(name):
    return name + ("야" if is_open(name) else "아")


# ---- stems and endings. An irregular stem is written with its class behind a dot: "돕.ㅂ"


def cut(stem):
    return stem.split(".") if "." in stem else (stem, "")


def infinitive(stem):
    """The form in -a or -eo, that tenses and many endings build on."""
    text, kind = cut(stem)
    lead, vowel, tail = take_apart(text[-1])
    if text[-1] == "하":
        return text[:-1] + "해"
    if kind == "ㅂ":
        return with_tail(text, " ") + ("와" if text in ("돕",) else "워")
    if kind == "ㄷ":
        text = with_tail(text, "ㄹ")
    elif kind == "ㅎ":
        return text[:-1] + put_together(lead, "ㅐ")
    elif kind == "르":
        before = take_apart(text[-2])[1]
        return with_tail(text[:-1], "ㄹ") + ("라" if before in "ㅏㅗ" else "러")
    elif tail == " ":
        if vowel in "ㅏㅓㅐㅔㅕ":
            return text
        if vowel in "ㅗㅜㅣㅚ":
            new = {"ㅗ": "ㅘ", "ㅜ": "ㅝ", "ㅣ": "ㅕ", "ㅚ": "ㅙ"}[vowel]
            return text[:-1] + put_together(lead, new)
        if vowel == "ㅡ":
            bright = len(text) > 1 and take_apart(text[-2])[1] in "ㅏㅗ"
            return text[:-1] + put_together(lead, "ㅏ" if bright else "ㅓ")
    return text + ("아" if vowel in "ㅏㅑㅗ" else "어")


def softened(stem, ending):
    """Endings that put an eu between two consonants: (eu)l, (eu)n, (eu)si, (eu)myeon."""
    text, kind = cut(stem)
    tail = tail_of(text)
    if kind == "ㅂ":
        text = with_tail(text, " ") + "우"
    elif kind == "ㅎ":
        text = with_tail(text, " ")
    elif kind == "ㄷ":
        text = with_tail(text, "ㄹ") + "으"
    elif tail == "ㄹ":
        if ending[0] in "ㄹㄴㅂ시세":
            text = with_tail(text, " ")
    elif tail != " ":
        text += "으"
    if ending[0] in TAILS:
        return with_tail(text, ending[0]) + ending[1:]
    return text + ending


def plain(stem, ending):
    return cut(stem)[0] + ending


def present(stem, register, asks):
    text, _ = cut(stem)
    if register == FORMAL:
        end = "니까" if asks else "니다"
        if tail_of(text) in " ㄹ":
            return with_tail(text, "ㅂ") + end
        return text + "습" + end
    if text.endswith("시") and text in HONOURED and register == POLITE:
        return text[:-1] + "세요"
    return infinitive(stem) + ("요" if register == POLITE else "")


def past(stem, register, asks):
    return plain_past(with_tail(infinitive(stem), "ㅆ"), register, asks)


def plain_past(stem, register, asks):
    if register == FORMAL:
        return stem + ("습니까" if asks else "습니다")
    return stem + ("어요" if register == POLITE else "어")


def future(stem, register, asks):
    end = {POLITE: " 거예요", CASUAL: " 거야", FORMAL: " 겁니까" if asks else " 겁니다"}
    return softened(stem, "ㄹ") + end[register]


def copula(noun, register, asks=False):
    if register == FORMAL:
        return noun + ("입니까" if asks else "입니다")
    if register == CASUAL:
        return noun + ("야" if is_open(noun) else "이야")
    return noun + ("예요" if is_open(noun) else "이에요")


HONOURED = set()
SPECIAL = {"먹": "드시", "마시": "드시", "자": "주무시", "있": "있으시", "없": "없으시"}


def honoured(stem):
    new = SPECIAL.get(stem) or softened(stem, "시")
    HONOURED.add(new)
    return new


# ---- words: English, Korean

PLACES = ["at school 학교", "at home 집", "in the library 도서관", "in the park 공원", "at the market 시장",
          "in Seoul 서울", "in Busan 부산", "at the cafe 카페", "at the office 사무실", "at the station 역",
          "at the beach 바닷가", "in the garden 정원", "at the hospital 병원", "at the hotel 호텔"]


class Verb:
    """places: where it is done, by number in PLACES; state: liking is not done at a place or an hour."""

    def __init__(self, english, korean, objects="", third=None, past=None, ing=None, places="", state=False):
        head, _, rest = english.partition(" ")
        self.english, self.korean, self.objects, self.state = english, korean, objects.split(), state
        self.places = [PLACES[int(i)] for i in places.split()]
        rest = " " + rest if rest else ""
        third = third or head + ("es" if head.endswith(("s", "sh", "ch", "o")) else "s")
        self.third = third + rest
        self.past = (past or head + ("d" if head.endswith("e") else "ed")) + rest
        self.ing = (ing or (head[:-1] if head.endswith("e") else head) + "ing") + rest


ACTIONS = [
    Verb("eat", "먹", "food", past="ate", places="0 1 3 7 8 10"),
    Verb("drink", "마시", "drink", past="drank", places="0 1 3 7 8 11"),
    Verb("buy", "사", "food drink goods text ticket flower", past="bought", places="4 5 6 9"),
    Verb("sell", "팔", "food drink goods text ticket flower", past="sold", places="4 5 6 9"),
    Verb("read", "읽", "text", past="read", places="0 1 2 3 7"),
    Verb("write", "쓰", "writing", past="wrote", places="0 1 2 7"),
    Verb("watch", "보", "show", places="1 5 6 13"),
    Verb("make", "만들", "dish", past="made", places="1 0"),
    Verb("cook", "요리하", "dish", places="1 10"),
    Verb("order", "주문하", "dish drink", places="7 13"),
    Verb("look for", "찾", "goods text person ticket", places="0 1 2 4 9"),
    Verb("find", "발견하", "goods ticket", past="found", places="3 4 9 10"),
    Verb("study", "공부하", "subject", third="studies", past="studied", places="0 1 2 7"),
    Verb("learn", "배우", "subject skill", places="0 1 5 6"),
    Verb("teach", "가르치", "subject skill", past="taught", places="0 5 6"),
    Verb("like", "좋아하", "food drink subject show skill", state=True),
    Verb("hate", "싫어하", "food drink subject", state=True),
    Verb("meet", "만나", "person", past="met", places="0 2 3 4 5 6 7 9"),
    Verb("help", "돕.ㅂ", "person", places="0 4 9 12"),
    Verb("wait for", "기다리", "person vehicle", places="9 9 7"),
    Verb("call", "부르.르", "person"),
    Verb("listen to", "듣.ㄷ", "sound", places="1 3 7 8"),
    Verb("clean", "청소하", "room"),
    Verb("open", "열", "door"),
    Verb("close", "닫", "door"),
    Verb("wash", "씻", "washed", places="1 11"),
    Verb("draw", "그리", "picture", past="drew", places="0 1 3 11"),
    Verb("use", "사용하", "tool", places="0 1 2 8"),
    Verb("borrow", "빌리", "text tool", places="0 2 8"),
    Verb("carry", "들", "goods", third="carries", past="carried"),
]
MOVES = [  # with a destination
    Verb("go", "가", past="went"),
    Verb("come", "오", past="came"),
    Verb("run", "뛰어가", past="ran", ing="running"),
    Verb("walk", "걸어가"),
    Verb("return", "돌아가"),
]
STAYS = [  # at a place
    Verb("sleep", "자", past="slept", places="1 12 13"),
    Verb("work", "일하", places="0 2 4 5 6 7 8 9 12 13"),
    Verb("rest", "쉬", places="1 3 7 10 11 13"),
    Verb("play", "놀", places="0 1 3 10 11"),
    Verb("sing", "노래하", past="sang", places="0 1 3 10"),
    Verb("dance", "춤추", ing="dancing", places="0 1 3 10 13"),
    Verb("swim", "수영하", past="swam", ing="swimming", places="10 13 6"),
    Verb("exercise", "운동하", places="0 1 3 10"),
    Verb("walk", "걷.ㄷ", places="3 10 11"),
    Verb("wait", "기다리", places="0 1 4 7 9 12 13"),
]

# class: (English, Korean, counter or "")
NOUNS = {
    "food": "apple 사과 개|egg 달걀 개|potato 감자 개|banana 바나나 개|cake 케이크 개|rice 밥|bread 빵|meat 고기|"
            "fish 생선|soup 국|fruit 과일|kimchi 김치",
    "drink": "water 물 잔|coffee 커피 잔|tea 차 잔|milk 우유 잔|juice 주스 잔",
    "goods": "bag 가방 개|umbrella 우산 개|hat 모자 개|watch 시계 개|chair 의자 개|box 상자 개|shirt 셔츠 벌|"
             "pencil 연필 자루",
    "ticket": "ticket 표 장", "flower": "flower 꽃 송이|rose 장미 송이", "writing": "letter 편지 통|novel 소설 권",
    "dish": "soup 국|cake 케이크 개|rice 밥|fish 생선|meat 고기|bread 빵|noodles 국수",
    "text": "book 책 권|novel 소설 권|letter 편지 통|newspaper 신문 장",
    "show": "movie 영화 편|play 연극 편|television 텔레비전|soccer 축구",
    "subject": "Korean 한국어|English 영어|history 역사|math 수학|science 과학|music 음악",
    "skill": "swimming 수영|dancing 춤|cooking 요리|tennis 테니스",
    "person": "student 학생 명|doctor 의사 명|child 아이 명|friend 친구 명|guest 손님 명",
    "vehicle": "bus 버스 대|train 기차 대|taxi 택시 대",
    "sound": "music 음악|song 노래 곡|story 이야기 편",
    "room": "room 방|kitchen 부엌|house 집|office 사무실",
    "door": "door 문|window 창문|shop 가게",
    "washed": "dish 접시|dog 개|apple 사과 개|potato 감자 개",
    "picture": "flower 꽃 송이|tree 나무 그루|cat 고양이 마리|house 집 채",
    "tool": "computer 컴퓨터 대|telephone 전화 대|car 차 대|dictionary 사전 권",
}
PLURALS = {"child": "children", "box": "boxes", "watch": "watches", "potato": "potatoes",
           "story": "stories", "bus": "buses", "dictionary": "dictionaries", "dish": "dishes"}
MASS = set("noodles rice bread meat fish soup fruit kimchi water coffee tea milk juice television soccer "
           "Korean English history math science music swimming dancing cooking tennis".split())
NUMBERS = ["two 두", "three 세", "four 네", "five 다섯", "six 여섯", "seven 일곱", "eight 여덟", "nine 아홉",
           "ten 열"]
DESCRIBED = {  # adjectives in front of a noun: English, the form before nouns
    "food": "fresh 신선한|delicious 맛있는|cheap 싼|expensive 비싼", "dish": "delicious 맛있는|hot 뜨거운",
    "ticket": "cheap 싼|expensive 비싼", "flower": "pretty 예쁜|red 빨간|white 하얀", "writing": "long 긴|short 짧은",
    "drink": "cold 차가운|warm 따뜻한|delicious 맛있는",
    "goods": "new 새|big 큰|small 작은|red 빨간|expensive 비싼|old 낡은",
    "text": "new 새|old 오래된|interesting 재미있는|difficult 어려운",
    "show": "", "subject": "", "skill": "", "vehicle": "", "sound": "beautiful 아름다운|old 오래된",
    "person": "new 새|kind 친절한", "room": "big 큰|dirty 더러운", "door": "big 큰|small 작은",
    "washed": "big 큰|small 작은", "picture": "pretty 예쁜|small 작은|white 하얀", "tool": "new 새|old 오래된",
}
GOALS = ["to school 학교", "home 집", "to the library 도서관", "to the park 공원", "to the market 시장",
         "to Seoul 서울", "to Busan 부산", "to the hospital 병원", "to the station 역", "to the bank 은행",
         "to the beach 바닷가", "to the hotel 호텔", "to the office 사무실", "to the museum 박물관"]
FRIENDS = ["with a friend 친구", "with Minsu 민수", "with Jiyoung 지영", "with my family 가족",
           "with a colleague 동료"]
MEANS = ["by bus 버스", "by train 기차", "by subway 지하철", "by taxi 택시", "by bicycle 자전거", "by car 차"]
TIMES = {
    "present": "every day 매일|every morning 매일 아침|every evening 매일 저녁|on weekends 주말마다",
    "past": "yesterday 어제|last week 지난주에|this morning 오늘 아침에|last night 어젯밤에|on Monday 월요일에|"
            "two days ago 이틀 전에",
    "future": "tomorrow 내일|next week 다음 주에|tonight 오늘 밤에|on Saturday 토요일에|on Sunday 일요일에|"
              "next year 내년에",
    "now": "now 지금|right now 바로 지금",
}
HOURS = ["one 한", "two 두", "three 세", "four 네", "five 다섯", "six 여섯", "seven 일곱", "eight 여덟",
         "nine 아홉", "ten 열", "eleven 열한", "twelve 열두"]
# English, Korean, person, respect; {my} depends on the register
WHO = [("I", "", 1, 0), ("I", "", 1, 0), ("we", "우리", 2, 0), ("he", "그", 3, 0), ("she", "그녀", 3, 0),
       ("they", "그들", 2, 0), ("Minsu", "민수", 3, 0), ("Jiyoung", "지영", 3, 0), ("Sujin", "수진", 3, 0),
       ("Junho", "준호", 3, 0), ("the student", "학생", 3, 0), ("the child", "아이", 3, 0),
       ("my friend", "{my} 친구", 3, 0), ("my younger brother", "{my} 남동생", 3, 0),
       ("the teacher", "선생님", 3, 1), ("my mother", "우리 어머니", 3, 1),
       ("my grandmother", "우리 할머니", 3, 1)]
NAMES = ["Minsu 민수", "Jiyoung 지영", "Sujin 수진", "Junho 준호"]
QUALITIES = {  # adjectives as predicates, by what they are said of
    "goods": "big 크|small 작|expensive 비싸|cheap 싸|pretty 예쁘|heavy 무겁.ㅂ|light 가볍.ㅂ|red 빨갛.ㅎ",
    "food": "delicious 맛있|expensive 비싸|cheap 싸|fresh 신선하|hot 뜨겁.ㅂ",
    "drink": "cold 차갑.ㅂ|hot 뜨겁.ㅂ|delicious 맛있",
    "text": "long 길|short 짧|interesting 재미있|difficult 어렵.ㅂ|easy 쉽.ㅂ|expensive 비싸",
    "vehicle": "fast 빠르.르|slow 느리|clean 깨끗하",
    "room": "big 크|small 작|quiet 조용하|clean 깨끗하|warm 따뜻하|cold 춥.ㅂ",
    "show": "interesting 재미있|long 길|sad 슬프",
    "subject": "easy 쉽.ㅂ|difficult 어렵.ㅂ|interesting 재미있",
}
FEELINGS = ["tired 피곤하", "busy 바쁘", "happy 행복하", "hungry 배고프", "sick 아프", "healthy 건강하"]
SPOTS = ["on the desk 책상 위", "under the desk 책상 아래", "in the box 상자 안", "next to the door 문 옆",
         "behind the house 집 뒤", "in front of the shop 가게 앞", "in the bag 가방 안", "on the chair 의자 위",
         "under the tree 나무 아래", "next to the bed 침대 옆"]
LOCATED = "bag 가방 개|umbrella 우산 개|hat 모자 개|book 책 권|letter 편지 통|cat 고양이 마리|dog 개 마리|apple 사과 개|" \
          "box 상자 개|key 열쇠 개|pencil 연필 자루|ticket 표 장|flower 꽃 송이"
JOBS = ["student 학생", "doctor 의사", "teacher 선생님", "nurse 간호사", "cook 요리사", "singer 가수", "writer 작가",
        "police officer 경찰관", "driver 운전사", "farmer 농부"]
DAYS = ["Monday 월요일", "Tuesday 화요일", "Wednesday 수요일", "Thursday 목요일", "Friday 금요일",
        "Saturday 토요일", "Sunday 일요일"]
MONTHS = ["January 일월", "February 이월", "March 삼월", "April 사월", "May 오월", "June 유월", "July 칠월",
          "August 팔월", "September 구월", "October 시월", "November 십일월", "December 십이월"]
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split()
DIGITS = "일이삼사오육칠팔구"
ENGLISH_DIGITS = "one two three four five six seven eight nine".split()


def pair(text):
    """The English words and the Korean rest of "at school 학교"."""
    at = next(i for i, c in enumerate(text) if ord(c) > 127)
    return text[:at].rstrip(), text[at:]


def noun_of(entry):
    """English, Korean and the counter of "apple 사과 개"."""
    english, rest = pair(entry)
    korean, _, counter = rest.partition(" ")
    return english, korean, counter


def a(english):
    return ("an " if english[0] in "aeio" or english.startswith("umb") else "a ") + english


def many(english):
    return PLURALS.get(english, english + "s")


# ---- the drawing


class Draw:
    """One sentence under way: dice, register, and the head words that make its combination."""

    def __init__(self, dice):
        self.dice, self.heads = dice, []
        self.register, self.address = POLITE, ("", "")
        roll = dice.random()
        if roll < 0.14:
            name = pair(dice.choice(NAMES))
            self.register, self.address = CASUAL, (name[0] + ", ", calling(name[1]) + ", ")
        elif roll < 0.26:
            name = pair(dice.choice(["Teacher 선생님", "Doctor 의사 선생님"]))
            self.register, self.address = FORMAL, (name[0] + ", ", name[1] + ", ")

    def chance(self, share):
        return self.dice.random() < share

    def pick(self, row):
        return pair(self.dice.choice(row.split("|") if isinstance(row, str) else row))

    def my(self):
        return "내" if self.register == CASUAL else "제"

    def me(self):
        return "나" if self.register == CASUAL else "저"

    def familiar(self, name):
        """Among friends a name that ends in a consonant takes an i: 지영이는."""
        if self.register == CASUAL and name in ("지영", "수진"):
            return name + "이"
        return name

    def who(self):
        while True:
            english, korean, person, respect = self.dice.choice(WHO)
            if english not in self.address[0] and not (respect and "teacher" in english and self.register == FORMAL):
                break
        if english == "I":
            korean = self.me()
        return english, self.familiar(korean.replace("{my}", self.my())), person, respect

    def noun_phrase(self, kind):
        """An object: English, Korean without particle."""
        english, korean, counter = noun_of(self.dice.choice(NOUNS[kind].split("|")))
        self.heads.append(english)
        roll = self.dice.random()
        if counter and roll < 0.22 and kind not in ("show", "vehicle"):
            number = self.pick(NUMBERS)
            if kind == "drink":
                return f"{number[0]} cups of {english}", f"{korean} {number[1]} {counter}"
            return f"{number[0]} {many(english)}", f"{korean} {number[1]} {counter}"
        front, before = "", ""
        if DESCRIBED[kind] and roll < 0.5:
            front, before = self.pick(DESCRIBED[kind])
            front, before = front + " ", before + " "
        if english in MASS:
            return front + english, before + korean
        roll = self.dice.random()
        if roll < 0.18:
            return f"this {front}{english}", f"이 {before}{korean}"
        if roll < 0.3:
            return f"that {front}{english}", f"그 {before}{korean}"
        if roll < 0.42 and kind not in ("show", "vehicle", "sound"):
            return f"my {front}{english}", f"{self.my()} {before}{korean}"
        if roll < 0.6:
            return f"the {front}{english}", before + korean
        return a(front + english), before + korean

    def clause(self):
        """What is done: verb, English words behind it, Korean words before it."""
        roll = self.dice.random()
        if roll < 0.62:
            verb = self.dice.choice(ACTIONS)
            self.heads.append(verb.english)
            english, korean = self.noun_phrase(self.dice.choice(verb.objects))
            behind, before = [english], [thing(korean)]
            if verb.places and self.chance(0.4):
                place = self.pick(verb.places)
                behind.append(place[0])
                before.insert(0, place[1] + "에서")
        elif roll < 0.82:
            verb = self.dice.choice(MOVES)
            goal = self.pick(GOALS)
            self.heads += [verb.english, goal[1]]
            behind, before = [goal[0]], [goal[1] + "에"]
            if verb.korean in ("가", "오") and self.chance(0.4):
                by = self.pick(MEANS)
                behind.append(by[0])
                before.insert(0, means(by[1]))
        else:
            verb = self.dice.choice(STAYS)
            place = self.pick(verb.places)
            self.heads += [verb.english, place[1]]
            behind, before = [place[0]], [place[1] + "에서"]
        if not verb.state and self.chance(0.15):
            friend = self.pick(FRIENDS)
            if friend[0].split()[-1] + "," not in self.address[0]:
                behind.append(friend[0])
                before.insert(0, along(self.familiar(friend[1])))
        return verb, behind, before

    def time(self, tense):
        """A time that goes with the tense, or nothing."""
        if self.chance(0.45):
            return "", ""
        if tense in ("past", "future") and self.chance(0.25):
            hour = self.pick(HOURS)
            if self.chance(0.3):
                return f"at half past {hour[0]}", f"{hour[1]} 시 반에"
            return f"at {hour[0]} o'clock", f"{hour[1]} 시에"
        return self.pick(TIMES[tense])

    def say(self, english, korean, end="."):
        first = self.address[0] + english
        return first[0].upper() + first[1:] + end, self.address[1] + korean + end


def words(*parts):
    return " ".join(p for p in parts if p)


def be(person):
    return {1: "am", 2: "are", 3: "is"}[person]


def negated_be(person):
    return {1: "am not", 2: "aren't", 3: "isn't"}[person]


TENSED = {"present": present, "past": past, "future": future}


def english_verb(verb, tense, mood, person, negative):
    """The verb group of a statement."""
    third = person == 3
    if mood == "doing":
        return words(negated_be(person) if negative else be(person), verb.ing)
    if mood in ("can", "must"):
        return words({"can": "can't" if negative else "can", "must": "must"}[mood], verb.english)
    base, group = verb.english, {"present": verb.third if third else verb.english, "past": verb.past,
                                 "future": "will " + verb.english}
    if mood == "want":
        base = "want to " + verb.english
        group = {"present": ("wants to " if third else "want to ") + verb.english,
                 "past": "wanted to " + verb.english}
    if not negative:
        return group[tense]
    no = {"present": "doesn't" if third else "don't", "past": "didn't", "future": "won't"}[tense]
    return words(no, base)


def korean_verb(stem, tense, mood, register, negative=False, respect=False, asks=False, other=False):
    """The predicate: each mood turns the stem into another stem that takes the tense. Respect goes
    to the last verb; eating, drinking and sleeping have honorific verbs of their own besides."""

    def end(last):
        return TENSED[tense](honoured(last) if respect else last, register, asks)

    front = SPECIAL.get(stem, stem) if respect else stem
    if mood == "doing":
        last = "계시" if respect else "있"
        HONOURED.add("계시")
        if negative:
            return plain(front, "고 ") + last + "지 " + TENSED[tense]("않", register, asks)
        return plain(front, "고 ") + TENSED[tense](last, register, asks)
    if mood == "want":
        wish = plain(front, "고 싶") + ("어 하" if other else "")
        if negative:
            return wish + "지 " + end("않")
        return wish[:-1] + end(wish[-1])
    if mood == "can":
        can = TENSED[tense]("없" if negative else "있", register, asks)
        return softened(honoured(stem) if respect else stem, "ㄹ") + " 수 " + can
    if mood == "must":
        return infinitive(honoured(stem) if respect else stem) + "야 " + TENSED[tense]("하", register, asks)
    if negative:
        return plain(front, "지 ") + end("않")
    return end(stem)


# ---- kinds of sentences


def statement(d):
    english, korean, person, respect = d.who()
    verb, behind, before = d.clause()
    if verb.state:
        tense, no = d.dice.choice(["present", "present", "past"]), d.chance(0.3)
        return d.say(words(english, english_verb(verb, tense, "", person, no), *behind),
                     words(topic(korean), *before,
                           korean_verb(verb.korean, tense, "", d.register, no, respect)))
    mood = d.dice.choices(["", "doing", "want", "can", "must"], [66, 10, 10, 9, 5])[0]
    tense = "present" if mood else d.dice.choice(["present", "past", "past", "future"])
    negative = mood != "must" and d.chance(0.22)
    when = d.time({"doing": "now", "want": "future", "can": "future", "must": "future"}.get(mood, tense))
    return d.say(words(english, english_verb(verb, tense, mood, person, negative), *behind, when[0]),
                 words(topic(korean), when[1], *before,
                       korean_verb(verb.korean, tense, mood, d.register, negative, respect, other=person == 3)))


def question(d):
    """Of "you", who is not named in Korean, or of somebody."""
    asks_you = d.chance(0.6)
    english, korean, person, respect = ("you", "", 2, d.register == FORMAL) if asks_you else d.who()
    if english == "I":
        return None
    verb, behind, before = d.clause()
    tense = d.dice.choice(["present", "past", "future"])
    if verb.state:
        return None
    mood = "can" if d.chance(0.15) else "want" if asks_you and d.chance(0.15) else ""
    if mood:
        tense = "present"
    aux = {"present": "does" if person == 3 else "do", "past": "did", "future": "will"}[tense]
    if mood == "can":
        aux = "can"
    when = d.time("future" if mood else tense)
    verb_words = "want to " + verb.english if mood == "want" else verb.english
    return d.say(words(aux, english, verb_words, *behind, when[0]),
                 words(topic(korean) if korean else "", when[1], *before,
                       korean_verb(verb.korean, tense, mood, d.register, False, respect, True)), "?")


def open_question(d):
    """What, where, when, who, why."""
    respect = d.register == FORMAL
    kind = d.dice.choice(["what", "where", "when", "who", "why"])
    tense = d.dice.choice(["past", "future", "present"] if kind != "when" else ["past", "future"])
    aux = {"present": "do", "past": "did", "future": "will"}[tense]
    when = d.time(tense) if kind != "when" else ("", "")
    verb, behind, before = d.clause()
    if verb.state:
        return None
    done = korean_verb(verb.korean, tense, "", d.register, False, respect and kind != "who", True)
    if kind == "what":
        if not verb.objects or "person" in verb.objects:
            return None
        place = d.pick(verb.places) if verb.places and d.chance(0.4) else ("", "")
        return d.say(words("what", aux, "you", verb.english, place[0], when[0]),
                     words(when[1], place[1] + "에서" if place[1] else "", "무엇을", done), "?")
    if kind == "who":
        past_third = {"present": verb.third, "past": verb.past, "future": "will " + verb.english}[tense]
        return d.say(words("who", past_third, *behind, when[0]), words(when[1], "누가", *before, done), "?")
    if kind == "where":
        if not verb.places or not verb.objects:
            return None
        return d.say(words("where", aux, "you", verb.english, behind[0], when[0]),
                     words(when[1], "어디에서", before[-1], done), "?")
    asked = {"when": "언제", "why": "왜"}[kind]
    return d.say(words(kind, aux, "you", verb.english, *behind, when[0]),
                 words(when[1], asked, *before, done), "?")


def request(d):
    verb, behind, before = d.clause()
    if d.register == FORMAL or verb.state or verb.korean == "발견하":
        return None
    if d.register == POLITE and d.chance(0.2):
        return d.say(words("shall we", verb.english, *behind), words(*before, softened(verb.korean, "ㄹ까요")), "?")
    if d.chance(0.25):
        end = "ㅂ시다" if d.register == POLITE else ""
        done = softened(verb.korean, end) if end else plain(verb.korean, "자")
        return d.say(words("let's", verb.english, *behind), words(*before, done))
    if d.chance(0.3):
        end = "지 마세요" if d.register == POLITE else "지 마"
        return d.say(words("please don't" if d.register == POLITE else "don't", verb.english, *behind),
                     words(*before, plain(verb.korean, end)))
    if d.register == CASUAL:
        return d.say(words(verb.english, *behind), words(*before, infinitive(verb.korean)))
    stem = "드시" if verb.korean in ("먹", "마시") else verb.korean
    done = "드세요" if stem == "드시" else softened(stem, "세요")
    return d.say(words("please", verb.english, *behind), words(*before, done))


def quality(d):
    """This bag is expensive; was the movie long?"""
    kind = d.dice.choice(list(QUALITIES))
    english, korean, _ = noun_of(d.dice.choice(NOUNS[kind].split("|")))
    how, stem = d.pick(QUALITIES[kind])
    d.heads += [english, how]
    if english in MASS and kind == "subject":
        front, before = "", ""
    else:
        front, before = d.dice.choice([("this ", "이 "), ("that ", "그 "), ("the ", "")])
    tense = "past" if d.chance(0.3) else "present"
    is_ = "was" if tense == "past" else "is"
    very = d.chance(0.2)
    how = "very " + how if very else how
    often = "아주" if very else ""
    if d.chance(0.25):
        return d.say(words(is_, front + english, how), words(topic(before + korean), often,
                     TENSED[tense](stem, d.register, True)), "?")
    if d.chance(0.25) and not very:
        return d.say(words(front + english, is_ + "n't", how),
                     words(topic(before + korean), plain(stem, "지"), TENSED[tense]("않", d.register, False)))
    if d.chance(0.25) and not very:
        other, second = d.pick(QUALITIES[kind])
        if second == stem:
            return None
        return d.say(words(front + english, is_, how, "but", other),
                     words(topic(before + korean), plain(stem, "지만"), TENSED[tense](second, d.register, False)))
    return d.say(words(front + english, is_, how),
                 words(topic(before + korean), often, TENSED[tense](stem, d.register, False)))


def feeling(d):
    english, korean, person, respect = d.who()
    how, stem = d.pick(FEELINGS)
    d.heads += [english, how]
    stem = "편찮" if respect and stem == "아프" else stem
    tense, negative = ("past" if d.chance(0.35) else "present"), d.chance(0.25)
    when = d.pick("today 오늘") if tense == "present" and d.chance(0.5) else \
        d.pick(TIMES["past"]) if tense == "past" and d.chance(0.6) else ("", "")
    is_ = be(person) if tense == "present" else "was" if person != 2 else "were"
    no = {"am": "am not"}.get(is_, is_ + "n't")
    done = korean_verb(stem, tense, "", d.register, negative, respect)
    return d.say(words(english, no if negative else is_, how, when[0]), words(topic(korean), when[1], done))


def existence(d):
    english, korean, counter = noun_of(d.dice.choice(LOCATED.split("|")))
    spot = d.pick(SPOTS)
    if korean in spot[1]:
        return None
    d.heads += [english, spot[1]]
    place = spot[1] + "에"
    exists = TENSED["present"]("있", d.register, False)
    roll = d.dice.random()
    if roll < 0.35:
        number = d.pick(NUMBERS)
        return d.say(words("there are", number[0], many(english), spot[0]),
                     words(place, subject(korean), number[1], counter, exists))
    if roll < 0.55:
        return d.say(words("there is", a(english), spot[0]), words(place, subject(korean), exists))
    if roll < 0.7:
        return d.say(words("there isn't", a(english), spot[0]),
                     words(place, subject(korean), TENSED["present"]("없", d.register, False)))
    if roll < 0.82:
        return d.say(words("is the", english, spot[0]),
                     words(topic(korean), place, TENSED["present"]("있", d.register, True)), "?")
    return d.say(words("the", english, "is", spot[0]), words(topic(korean), place, exists))


def possession(d):
    """To have and to need take the subject particle."""
    english, korean, person, respect = d.who()
    need = d.chance(0.5)
    d.heads.append("need" if need else "have")
    kind = d.dice.choice(["goods", "text", "drink", "tool"] if need else ["goods", "text", "tool"])
    what, thing_ = d.noun_phrase(kind)
    negative, third = d.chance(0.25), person == 3
    if need:
        verb, stem = ("needs" if third else "need"), "필요하"
    else:
        verb, stem = ("has" if third else "have"), "없" if negative else "있"
    group = words("doesn't" if third else "don't", "need" if need else "have") if negative else verb
    done = korean_verb(stem, "present", "", d.register, need and negative, respect)
    return d.say(words(english, group, what), words(topic(korean), subject(thing_), done))


def identity(d):
    job, korean_job = d.pick(JOBS)
    english, korean, person, respect = d.who()
    d.heads += [english, job]
    if person == 2 or english in ("the student", "the child", "the teacher"):
        return None
    if d.chance(0.3):
        return d.say(words(english, negated_be(person), a(job)),
                     words(topic(korean), subject(korean_job),
                           {POLITE: "아니에요", CASUAL: "아니야", FORMAL: "아닙니다"}[d.register]))
    if person == 3 and d.chance(0.25):
        return d.say(words(be(person), english, a(job)),
                     words(topic(korean), copula(korean_job, d.register, True)), "?")
    return d.say(words(english, be(person), a(job)), words(topic(korean), copula(korean_job, d.register)))


def calendar(d):
    roll = d.dice.random()
    day = d.pick(["today 오늘", "tomorrow 내일"])
    if roll < 0.2:
        name = d.pick(DAYS)
        d.heads += [day[0], name[0]]
        return d.say(words(day[0], "is", name[0]), words(topic(day[1]), copula(name[1], d.register)))
    if roll < 0.5:
        month, number = d.pick(MONTHS), d.dice.randrange(9)
        d.heads += [month[0], str(number)]
        return d.say(words(day[0], "is", month[0], ORDINALS[number]),
                     words(topic(day[1]), month[1], copula(DIGITS[number] + "일", d.register)))
    hour = d.pick(HOURS)
    if roll < 0.65:
        d.heads += [hour[0], d.register, "clock"]
        return d.say(words("it is", hour[0], "o'clock"), words(hour[1], copula("시", d.register)))
    if roll < 0.75:
        d.heads += [hour[0], d.register, "half"]
        return d.say(words("it is half past", hour[0]), words(hour[1], "시", copula("반", d.register)))
    return price(d)


def price(d):
    english, korean, _ = noun_of(d.dice.choice(NOUNS["goods"].split("|")))
    front, before = d.dice.choice([("this ", "이 "), ("that ", "그 "), ("the ", "")])
    if d.chance(0.2):
        d.heads += [english, "price"]
        return d.say(words("how much is", front + english),
                     words(topic(before + korean), copula("얼마", d.register, True)), "?")
    number = d.dice.randrange(9)
    unit, korean_unit = d.dice.choice([("thousand", "천"), ("hundred", "백")])
    d.heads += [english, str(number) + unit]
    korean_number = ("" if number == 0 else DIGITS[number]) + korean_unit
    return d.say(words(front + english, "is", ENGLISH_DIGITS[number], unit, "won"),
                 words(topic(before + korean), korean_number, copula("원", d.register)))


def joined(d):
    """Two clauses: and, after, before, if, because."""
    english, korean, person, respect = d.who()
    if respect:
        return None
    kind = d.dice.choice(["and", "and", "before", "if", "because"])
    first, behind, before = d.clause()
    second, behind_too, before_too = d.clause()
    if first is second or first.state or second.state:
        return None
    they = topic(korean)
    name = {"the": "he"}.get(english.split()[0], english if person != 3 else "she" if english in ("she", "Jiyoung", "Sujin") else "he")
    if kind == "and":
        tense = d.dice.choice(["past", "present"])
        return d.say(words(english, english_verb(first, tense, "", person, False), *behind, "and",
                           english_verb(second, tense, "", person, False), *behind_too),
                     words(they, *before, plain(first.korean, "고"), *before_too,
                           TENSED[tense](second.korean, d.register, False)))
    if kind == "before":
        return d.say(words(english, first.past, *behind, "before", name, second.past, *behind_too),
                     words(they, *before_too, plain(second.korean, "기 전에"), *before,
                           TENSED["past"](first.korean, d.register, False)))
    if kind == "if":
        sky, cause = d.dice.choice([("it rains", "비가 오면"), ("it snows", "눈이 오면"), ("the weather is good", "날씨가 좋으면")])
        return d.say(words("if", sky + ",", english, "will", first.english, *behind),
                     words(cause, they, *before, TENSED["future"](first.korean, d.register, False)))
    how, stem = d.pick(FEELINGS)
    no = english_verb(first, "present", "can", person, True)
    is_ = be(person)
    return d.say(words(english, no, *behind, "because", name, is_, how),
                 words(they, infinitive(stem) + "서", *before,
                       korean_verb(first.korean, "present", "can", d.register, True)))


KINDS = [(statement, 46), (question, 14), (open_question, 10), (request, 9), (quality, 8), (feeling, 4),
         (existence, 6), (possession, 5), (identity, 3), (calendar, 4), (joined, 9)]


def sentence(dice):
    """(English, Korean, whether it is kept from training) or None."""
    d = Draw(dice)
    made = dice.choices([k for k, _ in KINDS], [w for _, w in KINDS])[0](d)
    if not made or len(set(made[1].split())) < len(made[1].split()):
        return None
    combinations = [" ".join(d.heads[i:i + 2]) for i in range(0, len(d.heads), 2)]
    return made + (any(zlib.crc32(c.encode()) % 7 == 0 for c in combinations),)


def main():
    dice = random.Random(SEED)
    hand = [line.rstrip("\n").split("\t") for line in open("phrases-hand.tsv", encoding="utf-8")]
    korean_of = dict(hand)
    train, kept = [tuple(p) for p in hand], []
    while len(train) < TRAIN + len(hand) or len(kept) < 4 * (DEV + FRESH):
        made = sentence(dice)
        if not made or made[0] in korean_of:
            continue
        korean_of[made[0]] = made[1]
        if made[2]:
            kept.append(made[:2])
        elif len(train) < TRAIN + len(hand):
            train.append(made[:2])
    known = {w for p in train for side in p for w in side.split()}
    taken = {p[1] for p in train}
    good = [p for p in kept if p[1] not in taken and all(w in known for side in p for w in side.split())]
    dice.shuffle(train)
    assert len(good) >= DEV + FRESH, len(good)
    for name, rows in (("phrases.tsv", train), ("phrases-dev.tsv", good[:DEV])):
        with open(name, "w", encoding="utf-8") as out:
            out.writelines("\t".join(p) + "\n" for p in rows)
    with open("fresh.en", "w", encoding="utf-8") as out:
        out.writelines(p[0] + "\n" for p in good[DEV:DEV + FRESH])


if __name__ == "__main__":
    main()
